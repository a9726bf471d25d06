/** One volume of a file: three dimensions, and an affine that can be inverted. */
import { BadInput } from "../bad_input.js";
import { invertible, largestDistance } from "../nifti/matrix.js";
import { canonicalText } from "../record/python_json.js";

const TOOL_HINT = "Register and resample one image to the other's grid first (ANTs, FSL, itk).";
const words = (shape) => `(${shape.join(", ")})`;
const rounded = (affine) => canonicalText(affine.map((row) => row.map((value) => Math.round(value * 1e4) / 1e4)));

/** The shape [X, Y, Z] of a file that holds exactly one volume. */
export function oneVolume({ file, header, coordinates }) {
  const { shape } = header;
  if (shape.includes(0)) throw new BadInput(`${file} has no voxels (shape ${words(shape)}). Write or download the file again.`);
  const single = shape.length === 3 || (shape.length > 3 && shape.slice(3).every((size) => size === 1));
  if (!single) {
    const remedy =
      shape.length < 3 ? "Stack the slices to a volume (one slice is X x Y x 1)." : "Save one volume per file.";
    throw new BadInput(`${file} has ${shape.length} dimensions (shape ${words(shape)}), expected 3. ${remedy}`);
  }
  if (!invertible(coordinates.affine)) {
    throw new BadInput(
      `${file} has an affine that cannot be inverted: ${rounded(coordinates.affine)}. Correct the header's sform/qform.`,
    );
  }
  return shape.slice(0, 3);
}

/** Refuse two volumes that are not on one grid. */
export function checkSameGrid(one, other) {
  if (one.shape.some((size, axis) => size !== other.shape[axis])) {
    throw new BadInput(
      `the images have different shapes: ${words(one.shape)} in ${one.file}, ${words(other.shape)} in ${other.file}. ${TOOL_HINT}`,
    );
  }
  const close = one.affine.every((row, i) =>
    row.every((value, j) => Math.abs(value - other.affine[i][j]) <= 1e-3 + 1e-3 * Math.abs(other.affine[i][j])),
  );
  if (close) return;
  const apart = Number(largestDistance(one.affine, other.affine, one.shape).toPrecision(3));
  throw new BadInput(
    `the images have different affines, their voxels are up to ${apart} mm apart: ${rounded(one.affine)} in ${one.file}, ` +
      `${rounded(other.affine)} in ${other.file}. ${TOOL_HINT}`,
  );
}
