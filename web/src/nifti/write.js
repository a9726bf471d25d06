/** Write a volume as NIfTI-1, with the coordinates of its source and research use in the header. */
import { gzip } from "./gzip.js";
import { writtenCoordinates } from "./coordinates.js";

const CODES = { uint8: 2, int16: 4, float32: 16, uint16: 512 };
const OFFSET = 352;

/**
 * Pack a volume as `.nii.gz`.
 *
 * @param {Uint8Array | Int16Array | Uint16Array | Float32Array} stored numbers to store, x fastest.
 * @param {object} options
 * @param {string} options.dtype NumPy's name of their type.
 * @param {number[]} options.shape [X, Y, Z].
 * @param {number[][]} options.affine voxel to mm.
 * @param like coordinates of the source.
 * @param {number} [options.slope] value = slope * number.
 * @param {string} options.descrip text for the header, up to 79 ASCII characters.
 * @returns {Promise<Uint8Array>} content of the file.
 */
export async function writeNifti(stored, { dtype, shape, affine, like, slope = 1, descrip }) {
  const bytes = new Uint8Array(OFFSET + stored.byteLength);
  const view = new DataView(bytes.buffer);
  const place = writtenCoordinates(affine, shape, like);
  const floats = (at, values) => values.forEach((value, i) => view.setFloat32(at + 4 * i, value, true));
  const ascii = (at, text) => [...text].forEach((letter, i) => (bytes[at + i] = letter.charCodeAt(0)));
  view.setInt32(0, 348, true);
  [3, ...shape, 1, 1, 1, 1].forEach((size, i) => view.setInt16(40 + 2 * i, size, true));
  view.setInt16(70, CODES[dtype], true);
  view.setInt16(72, 8 * stored.BYTES_PER_ELEMENT, true);
  floats(76, [...place.pixdim, 1, 1, 1, 1]);
  floats(108, [OFFSET, slope, 0]);
  view.setUint8(123, place.units);
  ascii(148, descrip.slice(0, 79));
  view.setInt16(252, place.qformCode, true);
  view.setInt16(254, place.sformCode, true);
  floats(256, place.quaternion);
  place.sform.forEach((row, i) => floats(280 + 16 * i, row));
  ascii(344, "n+1");
  bytes.set(new Uint8Array(stored.buffer, stored.byteOffset, stored.byteLength), OFFSET);
  return gzip(bytes);
}
