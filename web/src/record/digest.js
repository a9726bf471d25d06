/** Checksums of records and voxels, see `scripts/outputs/digest.py`. */
import { sha256 } from "@noble/hashes/sha2.js";
import { facts } from "../facts.js";
import { HIGHEST, rint } from "../process/levels.js";
import { canonicalText } from "./python_json.js";

const utf8 = (text) => new TextEncoder().encode(text);
const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

/** The "FusionID" of a record. */
export function recordId(content) {
  const said = Object.fromEntries(facts.protectedKeys.filter((key) => key in content).map((key) => [key, content[key]]));
  return hex(sha256(utf8(canonicalText(said)))).slice(0, 12);
}

/**
 * SHA-256 of the levels of a volume, page by page along its last axis, the second axis fastest.
 *
 * @param {Float32Array} values x fastest.
 * @param {number[]} shape [X, Y, Z].
 * @param {string} dtype stored type.
 */
export function voxelDigest(values, shape, dtype) {
  const [nx, ny, nz] = shape;
  const digest = sha256.create().update(utf8(`${dtype} (${nx}, ${ny}, ${nz})`));
  const highest = HIGHEST[dtype];
  const step = 1 / highest;
  const page = dtype === "float32" ? new Float32Array(nx * ny) : new Uint16Array(nx * ny);
  for (let z = 0; z < nz; z++) {
    for (let y = 0; y < ny; y++) {
      for (let x = 0, from = nx * (y + ny * z), to = y; x < nx; x++, from++, to += ny) {
        const value = values[from];
        page[to] = dtype === "float32" ? value + 0 : Math.min(Math.max(rint(value / step), 0), highest);
      }
    }
    digest.update(new Uint8Array(page.buffer));
  }
  return hex(digest.digest());
}
