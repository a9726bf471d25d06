/** Read a NIfTI file whole, after checking format, size and completeness. */
import { BadInput } from "../bad_input.js";
import { readCoordinates } from "./coordinates.js";
import { chunks, gunzip } from "./gzip.js";
import { checkKind, checkSize, damaged, headerLength, LONGEST_HEADER, parseHeader } from "./header.js";

const isNifti = (name) => /\.nii(\.gz)?$/i.test(name);

/**
 * Read a file of grey values. Memory is asked for once the header is known to be plausible.
 *
 * @param {File} source the file.
 * @returns {Promise<{file: string, header: object, stored: object, coordinates: object}>} stored numbers, x fastest.
 */
export async function readNifti(source) {
  const file = source.name;
  if (!isNifti(file)) {
    throw new BadInput(
      `${file} has an unsupported extension, expected .nii or .nii.gz. Convert the image first (for DICOM: dcm2niix).`,
    );
  }
  const start = new Uint8Array(await source.slice(0, LONGEST_HEADER).arrayBuffer());
  checkKind(start, file);
  const compressed = start[0] === 0x1f && start[1] === 0x8b;
  const named = /\.gz$/i.test(file);
  if (compressed && !named) {
    throw new BadInput(`${file} is compressed by gzip, but its name lacks .gz. Rename it to ${file}.gz.`);
  }
  if (named && !compressed && headerLength(start) !== null) {
    throw new BadInput(`${file} is not compressed, but its name ends in .gz. Rename it to ${file.slice(0, -3)}.`);
  }
  const stream = compressed ? gunzip(chunks(source)) : chunks(source);
  const { header, bytes } = await fill(stream, file, source.size, compressed);
  const stored = numbers(bytes, header);
  return { file, header, stored, coordinates: readCoordinates(header, file) };
}

/** Read the header, then exactly as many bytes as it states. */
async function fill(stream, file, size, compressed) {
  let header = null;
  let bytes = null;
  let beginning = new Uint8Array(0);
  let filled = 0;
  const add = (chunk) => {
    if (filled + chunk.length > header.end) {
      throw new BadInput(
        `${file} holds more than the ${header.end} bytes that its header states, so one of them is wrong. ` +
          "Download the file again, or write it again with the program that made it.",
      );
    }
    bytes.set(chunk, filled);
    filled += chunk.length;
  };
  const begin = () => {
    header = parseHeader(beginning, file);
    checkSize(header, file, size, compressed);
    bytes = allocate(header, file);
    add(beginning);
  };
  try {
    for await (const chunk of stream) {
      if (header) {
        add(chunk);
        continue;
      }
      beginning = joined(beginning, chunk);
      if (beginning.length >= LONGEST_HEADER) begin();
    }
    if (!header) begin();
  } catch (error) {
    if (error instanceof BadInput) throw error;
    if (error.name === "NotReadableError" || error.name === "NotFoundError") {
      throw new BadInput(`${file} cannot be read: ${error.message} Choose the file again.`);
    }
    throw new BadInput(damaged(file, error.message));
  }
  if (filled < header.end) {
    throw new BadInput(damaged(file, `its header states ${header.end} bytes, but ${filled} are present`));
  }
  return { header, bytes };
}

function allocate(header, file) {
  try {
    return new Uint8Array(header.end);
  } catch {
    throw new BadInput(
      `${file} has ${header.shape.join(" x ")} voxels, for which this browser gives no memory. Close other pages, crop or ` +
        "resample the volume, or use the bundle itself.",
    );
  }
}

function joined(one, other) {
  const both = new Uint8Array(one.length + other.length);
  both.set(one);
  both.set(other, one.length);
  return both;
}

/** The stored numbers, in this machine's byte order (little-endian in every browser). */
function numbers(bytes, header) {
  const size = header.Kind.BYTES_PER_ELEMENT;
  const data = bytes.subarray(header.offset, header.end);
  if (!header.little && size > 1) {
    for (let at = 0; at < data.length; at += size) data.subarray(at, at + size).reverse();
  }
  const aligned = data.byteOffset % size ? data.slice() : data;
  return new header.Kind(aligned.buffer, aligned.byteOffset, header.voxels);
}

/** Grey values as 32-bit floats with the scale factor applied in double precision, as `NiftiFile.values`. */
export function greyValues({ stored, header }) {
  const { slope, intercept } = header;
  if (stored instanceof Float32Array && slope === 1 && intercept === 0) return stored;
  const values = new Float32Array(stored.length);
  if (slope === 1 && intercept === 0) {
    for (let i = 0; i < values.length; i++) values[i] = Number(stored[i]);
  } else {
    for (let i = 0; i < values.length; i++) values[i] = Number(stored[i]) * slope + intercept;
  }
  return values;
}
