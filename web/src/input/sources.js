/** Read the sources and check that they can be fused; see `scripts/transforms/load_sources.py`. */
import { BadInput } from "../bad_input.js";
import { displayName } from "../facts.js";
import { plainInteger } from "../nifti/header.js";
import { greyValues, readNifti } from "../nifti/read.js";
import { fillBackground } from "./background.js";
import { parseName } from "./names.js";
import { checkSameGrid, oneVolume } from "./volume.js";

const SMALL_INTEGERS = ["uint8", "int16", "uint16"];

/**
 * Read one source.
 *
 * @param {File} source the file.
 * @param {string} name of the source, such as "t1gd".
 * @param {(text: string) => void} warn takes warnings.
 */
export async function readSource(source, name, warn) {
  const content = await readNifti(source);
  const { file, header, coordinates } = content;
  const shape = oneVolume(content);
  if (coordinates.doubts.length) {
    warn(`${file}: ${coordinates.doubts.join("; ")}. Check the orientation in a viewer, and correct the header if it is wrong.`);
  }
  let values = greyValues(content);
  const filled = fillBackground(values, shape);
  if (filled) {
    warn(
      `${file} (${name}) contains NaN in ${filled.count} of ${values.length} voxels, all outside the head. They are read as ` +
        `background (${filled.background}).`,
    );
    values = filled.values;
  }
  checkIntensities(values, `${file} (${name})`);
  const dtype = plainInteger(header) && SMALL_INTEGERS.includes(header.dtype) ? header.dtype : "float32";
  return { name, label: displayName(name), file, shape, affine: coordinates.affine, coordinates, dtype, values };
}

/** Refuse a volume without an image in it. */
function checkIntensities(values, named) {
  let [nan, inf, low, high] = [0, 0, Infinity, -Infinity];
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (value !== value) nan++;
    else if (value === Infinity || value === -Infinity) inf++;
    else {
      if (value < low) low = value;
      if (value > high) high = value;
    }
  }
  if (nan || inf) {
    throw new BadInput(
      `${named} holds ${nan} NaN and ${inf} Inf among ${values.length} voxels. NaN is read as background only if all of it ` +
        "lies outside the head. Replace these values.",
    );
  }
  if (low === high) {
    const what = low === 0 ? "is all zero" : `is constant (${low} everywhere)`;
    throw new BadInput(`${named} ${what}, so it contains no image. Export the series again or leave the patient out.`);
  }
}

/** Refuse sources of different grids or patients; warn where two hold the same voxels. */
export function checkTogether(sources, warn) {
  const [first, ...others] = sources;
  for (const other of others) checkSameGrid(first, other);
  checkNames(sources);
  for (let i = 0; i < sources.length; i++) {
    for (let j = 0; j < i; j++) {
      const [one, two] = [sources[j], sources[i]];
      if (two.values.every((value, at) => value === one.values[at])) {
        warn(`${one.file} (${one.name}) and ${two.file} (${two.name}) hold the same voxels. Check that these are different images.`);
      }
    }
  }
}

function checkNames(sources) {
  const named = sources.map(({ file, name }) => ({ file, name, parsed: parseName(file) }));
  const known = named.filter(({ name, parsed }) => parsed?.patient && parsed.contrast === name);
  if (new Set(known.map(({ parsed }) => parsed.patient)).size > 1) {
    throw new BadInput(
      `the files belong to different patients by their names: ${known.map(({ file, parsed }) => `${file} (${parsed.patient})`).join(", ")}. ` +
        "Give the images of one patient, or rename the files.",
    );
  }
}

/** Name of the patient, from the names of the sources. */
export function patientOf(sources) {
  const parsed = sources.map(({ file }) => parseName(file)?.patient).find(Boolean);
  return safeName(parsed || "patient");
}

/** A name that every file system accepts, see `scripts/data/safe_names.py`. */
function safeName(name) {
  const escape = (letters) =>
    [...new TextEncoder().encode(letters)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`).join("");
  let safe = name.replace(/[\x00-\x1f\x7f-\x9f/\\:*?"<>|\u2028\u2029\ufeff]|%(?=[0-9A-Fa-f]{2})/g, escape);
  if (/^[.\-~ ]/.test(safe)) safe = escape(safe[0]) + safe.slice(1);
  if (/[. ]$/.test(safe)) safe = safe.slice(0, -1) + escape(safe.at(-1));
  if (new TextEncoder().encode(safe).length > 150) {
    throw new BadInput(`the name '${name.slice(0, 60)}…' is too long for a file name. Use a shorter one.`);
  }
  return safe;
}
