/** A patient's case: what was read, fused and estimated. Slices arrive one by one. */
import { facts } from "../facts.js";
import { scaleOf, sliceScale } from "./scale.js";
import { normaliseSlice, restoreSlice } from "./normalise.js";
import { HIGHEST } from "./levels.js";
import { putSlice, sliceAxis, slicing, takeSlice } from "./slicing.js";

export const DTYPE = "uint16";
export const LATENT = "zeros";

/** Bytes of a voxel of a case: 32-bit floats of fused image, sources and estimates, and what reading and saving takes. */
const BYTES_PER_VOXEL = 4 * 5 + 8;

export const memoryOf = (shape) => BYTES_PER_VOXEL * shape.reduce((product, size) => product * size, 1);

function emptyVolumes(count, length) {
  return Array.from({ length: count }, () => new Float32Array(length));
}

/** A case of sources, to be fused. */
export function caseOfSources(patient, sources) {
  const [{ shape, affine, coordinates }] = sources;
  const axis = sliceAxis(affine);
  const cut = slicing(shape, axis);
  const voxels = sources[0].values.length;
  return {
    patient,
    sources,
    names: sources.map(({ name }) => name),
    labels: sources.map(({ label }) => label),
    dtypes: sources.map(({ dtype }) => dtype),
    shape,
    affine,
    coordinates,
    cut,
    scale: sliceScale(axis, sources.length, cut.count),
    fused: new Float32Array(voxels),
    estimates: emptyVolumes(sources.length, voxels),
    ready: new Uint8Array(cut.count),
    scores: { fused: [], decomposed: [] },
    record: null,
  };
}

/** A case of a fused image and its record, to be decomposed; sources are shown beside it where they are at hand. */
export function caseOfFused(patient, fused, record, sources) {
  const { shape, affine, coordinates, values } = fused;
  const names = record.SourceModalities;
  return {
    patient,
    sources,
    names,
    labels: names.map((name) => facts.displayNames[name] ?? name),
    dtypes: record.SourceDtypes ?? names.map(() => "float32"),
    shape,
    affine,
    coordinates,
    cut: slicing(shape, record.SliceAxis),
    scale: record.IntensityScale,
    fused: values,
    estimates: emptyVolumes(names.length, values.length),
    ready: new Uint8Array(shape[record.SliceAxis]),
    scores: null,
    record,
  };
}

const all = ({ cut }) => Array.from({ length: cut.count }, (_, index) => index);

function putEstimates(held, index, estimates) {
  const { cut, scale } = held;
  held.estimates.forEach((volume, source) => {
    const start = source * cut.size;
    const { offset, factor } = scaleOf(scale, source, index);
    restoreSlice(estimates, offset, factor, start, start + cut.size);
    putSlice(volume, cut, index, estimates, start);
  });
  held.ready[index] = 1;
}

/**
 * Fuse a case, slice by slice.
 *
 * @param {Pool} pool workers with the network.
 * @param held what `caseOfSources` returns; it is filled.
 * @param {{next: (left: Set<number>) => number, done: (index: number) => void}} handlers
 */
export function fuseCase(pool, held, { next, done }) {
  const { cut, scale, sources } = held;
  return pool.each("fuse", all(held), {
    next,
    input(index) {
      const image = new Float32Array(sources.length * cut.size);
      sources.forEach(({ values }, i) => {
        const slice = takeSlice(values, cut, index, image.subarray(i * cut.size, (i + 1) * cut.size));
        const { offset, factor } = normaliseSlice(slice);
        scale.offset[i][index] = offset;
        scale.factor[i][index] = factor;
      });
      return { image, height: cut.height, width: cut.width, highest: HIGHEST[DTYPE] };
    },
    done(index, { fused, estimates, scores }) {
      putSlice(held.fused, cut, index, fused);
      for (const of of ["fused", "decomposed"]) held.scores[of][index] = scores[of];
      putEstimates(held, index, estimates);
      done(index);
    },
  });
}

/** Decompose a case, slice by slice; see `fuseCase`. */
export function decomposeCase(pool, held, { next, done }) {
  const { cut, fused } = held;
  return pool.each("decompose", all(held), {
    next,
    input: (index) => ({ fused: takeSlice(fused, cut, index), height: cut.height, width: cut.width }),
    done(index, { estimates }) {
      putEstimates(held, index, estimates);
      done(index);
    },
  });
}

/** Mean SSIM over the slices that have one, by image and source, to four decimals. */
export function meanScores({ names, scores }) {
  const mean = (of, i) => {
    const known = scores[of].map((row) => row[i]).filter((value) => !Number.isNaN(value));
    return known.length ? Math.round((known.reduce((a, b) => a + b) / known.length) * 1e4) / 1e4 : null;
  };
  return Object.fromEntries(
    ["fused", "decomposed"].map((of) => [of, Object.fromEntries(names.map((name, i) => [name, mean(of, i)]))]),
  );
}
