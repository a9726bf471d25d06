/** Parse and check the header of a NIfTI file; the refusals are those of `scripts/data/nifti_file.py`. */
import { BadInput } from "../bad_input.js";
import { facts } from "../facts.js";

/** Types of grey values by NIfTI's code: NumPy's name, bytes of a voxel, and the array that holds them. */
const TYPES = {
  2: ["uint8", Uint8Array],
  4: ["int16", Int16Array],
  8: ["int32", Int32Array],
  16: ["float32", Float32Array],
  64: ["float64", Float64Array],
  256: ["int8", Int8Array],
  512: ["uint16", Uint16Array],
  768: ["uint32", Uint32Array],
  1024: ["int64", BigInt64Array],
  1280: ["uint64", BigUint64Array],
};
const OTHER_TYPES = { 1: "1 bit", 32: "complex64", 128: "RGB", 1536: "float128", 1792: "complex128", 2048: "complex256", 2304: "RGBA" };
const LENGTHS = [348, 540];
export const LONGEST_HEADER = 540;

/** Where each field lies, in NIfTI-1 and NIfTI-2. */
const LAYOUTS = {
  348: {
    magic: 344, dim: [40, "Int16", 2], datatype: 70, pixdim: [76, "Float32", 4], offset: [108, "Float32"],
    slope: [112, "Float32"], intercept: [116, "Float32"], units: [123, "Uint8"], descrip: 148,
    codes: [252, 254, "Int16"], quaternion: [256, "Float32", 4], rows: [280, "Float32", 4],
  },
  540: {
    magic: 4, dim: [16, "BigInt64", 8], datatype: 12, pixdim: [104, "Float64", 8], offset: [168, "BigInt64"],
    slope: [176, "Float64"], intercept: [184, "Float64"], units: [500, "Int32"], descrip: 240,
    codes: [344, 348, "Int32"], quaternion: [352, "Float64", 8], rows: [400, "Float64", 8],
  },
};

export const damaged = (file, reason) =>
  `${file} cannot be read as NIfTI: it is truncated, damaged or in another format (${reason}). Copy or download the file again.`;

/** Refuse what is plainly no image: an empty file, a Git LFS pointer, a web page. */
export function checkKind(start, file) {
  if (!start.length) throw new BadInput(`${file} is empty (0 bytes). Copy or download the file again.`);
  const text = new TextDecoder("latin1").decode(start.subarray(0, 200));
  if (text.startsWith("version https://git-lfs")) {
    throw new BadInput(`${file} is a Git LFS pointer, not the image itself. Fetch the image in its repository with git lfs pull.`);
  }
  if (/^(ï»¿|\s)*<(!doctype|html|\?xml)/i.test(text)) {
    throw new BadInput(
      `${file} is a web page, not an image: the download was answered with a page, perhaps for signing in. ` +
        "Download the file again, and open the page to see what it says.",
    );
  }
}

/** Length of the header, or null where the bytes begin with none. */
export function headerLength(start) {
  if (start.length < 4) return null;
  const view = new DataView(start.buffer, start.byteOffset, 4);
  return LENGTHS.find((length) => [true, false].some((little) => view.getInt32(0, little) === length)) ?? null;
}

/**
 * Read the header of a single-file NIfTI.
 *
 * @param {Uint8Array} start first bytes of the unpacked file.
 * @param {string} file its name, for messages.
 * @returns shape, type, offset, scale factor and the fields that `coordinates.js` reads.
 */
export function parseHeader(start, file) {
  const length = headerLength(start);
  if (length === null || start.length < length) throw new BadInput(damaged(file, "it does not begin with a NIfTI header"));
  const view = new DataView(start.buffer, start.byteOffset, length);
  const little = view.getInt32(0, true) === length;
  const at = LAYOUTS[length];
  const read = (place, kind) => Number(view[`get${kind}`](place, little));
  const list = ([place, kind, size], count) => Array.from({ length: count }, (_, i) => read(place + i * size, kind));

  const magic = String.fromCharCode(...start.subarray(at.magic, at.magic + 3));
  if (magic !== "n+1" && magic !== "n+2") {
    const kind = magic === "ni1" || magic === "ni2" ? "the header of a pair of files (.hdr and .img)" : "another format";
    throw new BadInput(
      `${file} cannot be read as NIfTI: its magic is that of ${kind}. Convert it to a single .nii file, or download the file again.`,
    );
  }
  const dim = list(at.dim, 8);
  if (dim[0] < 1 || dim[0] > 7 || dim.slice(1, dim[0] + 1).some((size) => size < 0)) {
    throw new BadInput(damaged(file, `its header has the dimensions ${dim.join(", ")}`));
  }
  const shape = dim.slice(1, dim[0] + 1);
  const offset = read(...at.offset);
  if (!Number.isInteger(offset) || offset < length + 4) {
    throw new BadInput(damaged(file, `its voxels begin at byte ${offset} by the header`));
  }
  const code = view.getInt16(at.datatype, little);
  if (code in OTHER_TYPES) {
    throw new BadInput(
      `${file} holds voxels of type ${OTHER_TYPES[code]}, expected one grey value each. Convert ` +
        "colour to grey, or complex numbers to their magnitude.",
    );
  }
  if (!(code in TYPES)) throw new BadInput(damaged(file, `its header is invalid: data code ${code} is not known`));
  let [slope, intercept] = [read(...at.slope), read(...at.intercept)];
  if (slope === 0 || !Number.isFinite(slope)) [slope, intercept] = [1, 0];
  else if (!Number.isFinite(intercept)) {
    throw new BadInput(damaged(file, `its header is invalid: valid slope but invalid intercept ${intercept}`));
  }
  const [dtype, Kind] = TYPES[code];
  const voxels = shape.reduce((product, size) => product * size, 1);
  const rows = list(at.rows, 12);
  return {
    shape,
    voxels,
    dtype,
    Kind,
    little,
    offset,
    end: offset + voxels * Kind.BYTES_PER_ELEMENT,
    slope,
    intercept,
    descrip: new TextDecoder("latin1").decode(start.subarray(at.descrip, at.descrip + 80)).replace(/\0[^]*$/, ""),
    pixdim: list(at.pixdim, 8),
    units: read(...at.units),
    qformCode: read(at.codes[0], at.codes[2]),
    sformCode: read(at.codes[1], at.codes[2]),
    quaternion: list(at.quaternion, 6),
    sform: [rows.slice(0, 4), rows.slice(4, 8), rows.slice(8, 12)],
  };
}

/** Whether the voxels are integers without scale factor, which are stored again as such. */
export const plainInteger = (header) => /int/.test(header.dtype) && header.slope === 1 && header.intercept === 0;

/**
 * Refuse a volume whose bytes the file cannot hold, or that is too large for this page.
 *
 * @param header result of `parseHeader`.
 * @param {string} file name for messages.
 * @param {number} size bytes on disk.
 * @param {boolean} compressed whether it is gzip-compressed.
 */
export function checkSize(header, file, size, compressed) {
  const words = header.shape.join(" x ");
  if (header.end > (compressed ? size * facts.deflateLimit : size)) {
    throw new BadInput(
      damaged(file, `its header states ${words} voxels, ${header.end.toLocaleString("en")} bytes, which a file of ${size.toLocaleString("en")} bytes cannot hold`),
    );
  }
  if (header.voxels > facts.mostVoxels) {
    throw new BadInput(
      `${file} has ${words} voxels by its header, more than the limit of ${facts.mostVoxels.toLocaleString("en")}. ` +
        "Crop or resample the volume, or correct the header.",
    );
  }
}
