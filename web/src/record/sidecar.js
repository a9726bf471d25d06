/** The record of a fused image: `P_fused.json` next to `P_fused.nii.gz`; see `scripts/outputs/sidecar.py`. */
import { BadInput } from "../bad_input.js";
import { facts } from "../facts.js";
import { isPhantom } from "../input/names.js";
import { recordId, voxelDigest } from "./digest.js";
import { checkSchema } from "./schema.js";

const REMEDY = "Fuse again, or restore the file that was written with the fused image.";
const SIZE_LIMIT = 256 * 2 ** 20;

/** Make the record of a case that was fused here. */
export function makeRecord({ patient, sources, shape, affine, scale, fused, dtype, latentKind, checkpoint, ssim }) {
  const names = sources.map(({ name }) => name);
  const ofWhat = isPhantom(patient) ? "a digital phantom, no patient" : "one patient";
  const content = {
    Description:
      `${names.slice(0, -1).join(", ")} and ${names.at(-1)} of ${ofWhat}, fused into one image by FusionINN. ` +
      "Sources that are decomposed from it are estimates.",
    ResearchUseOnly: facts.notice,
    GeneratedBy: [{ Name: "FusionINN MONAI bundle, page for browsers", Version: facts.version }],
    Sources: sources.map(({ file }) => file),
    SourceModalities: names,
    SliceAxis: scale.slice_axis,
    IntensityScale: scale,
    StoredDtype: dtype,
    LatentKind: latentKind,
    CheckpointSHA256: checkpoint,
    FusedSHA256: voxelDigest(fused, shape, dtype),
    Patient: patient,
    Shape: shape,
    Affine: affine.map((row) => row.map((value) => Math.round(value * 1e6) / 1e6 + 0)),
    SourceDtypes: sources.map((source) => source.dtype),
    SSIM: ssim,
  };
  content.FusionID = recordId(content);
  return content;
}

/**
 * Read and check a record.
 *
 * @param {File} source a `_fused.json`.
 */
export async function readRecord(source) {
  const where = source.name;
  if (source.size > SIZE_LIMIT) throw new BadInput(`${where} has ${source.size} bytes, more than a record can have. ${REMEDY}`);
  let content;
  try {
    content = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(await source.arrayBuffer()));
  } catch (error) {
    throw new BadInput(`${where} cannot be read as JSON (${error.message}). ${REMEDY}`);
  }
  checkSchema(content, facts.schema, where, REMEDY);
  checkScale(where, content);
  if ("FusedSHA256" in content && content.FusionID !== recordId(content)) {
    throw new BadInput(
      `${where} was changed since it was written: its content does not match its "FusionID". ${REMEDY} To use it anyway, ` +
        'remove the key "FusedSHA256" from it.',
    );
  }
  return content;
}

function checkScale(where, content) {
  const { IntensityScale: scale, SourceModalities: names, SliceAxis } = content;
  for (const key of ["Sources", "SourceDtypes"]) {
    if (key in content && content[key].length !== names.length) {
      throw new BadInput(`${where}: "${key}" has ${content[key].length} entries, expected one for each of the ${names.length} sources. ${REMEDY}`);
    }
  }
  if (scale.slice_axis !== SliceAxis) {
    throw new BadInput(`${where}: "SliceAxis" is ${SliceAxis}, but "IntensityScale" has ${scale.slice_axis} for it. ${REMEDY}`);
  }
  for (const key of ["offset", "factor"]) {
    const rows = scale[key];
    if (rows.length !== names.length) {
      throw new BadInput(`${where}: "IntensityScale" has ${rows.length} rows of "${key}", expected one for each of the ${names.length} sources. ${REMEDY}`);
    }
    const expected = scale.mode === "volume" ? 1 : (content.Shape?.[SliceAxis] ?? rows[0].length);
    if (rows.some((row) => row.length !== expected)) {
      throw new BadInput(
        `${where}: the rows of "${key}" of "IntensityScale" have ${rows.map((row) => row.length).join(" and ")} numbers, ` +
          `expected ${expected} in each. ${REMEDY}`,
      );
    }
  }
}
