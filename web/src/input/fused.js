/** Read a fused image, and check that its record belongs to it; see `scripts/outputs/volumes.py` and `identity.py`. */
import { BadInput } from "../bad_input.js";
import { facts } from "../facts.js";
import { plainInteger } from "../nifti/header.js";
import { norm, spacings } from "../nifti/matrix.js";
import { readNifti } from "../nifti/read.js";
import { voxelDigest } from "../record/digest.js";
import { patientOfFused } from "./names.js";
import { oneVolume } from "./volume.js";

const REMEDY = "Put the sidecar that was written with the image next to it, or fuse again.";

/**
 * Read a fused image.
 *
 * @param {File} source the file.
 * @param record its checked record.
 * @param {string} checkpoint SHA-256 of the weights in this page.
 * @returns values in [0, 1], shape, affine and coordinates.
 */
export async function readFused(source, record, checkpoint) {
  const content = await readNifti(source);
  const { file, header, coordinates } = content;
  if (header.shape.length < 3 || header.shape.length > 4 || (header.shape[3] ?? 1) !== 1) {
    throw new BadInput(
      `${file} has shape (${header.shape.join(", ")}), but a fused image is one 3-D volume [X, Y, Z]. Give one file per volume.`,
    );
  }
  const shape = oneVolume(content);
  const values = unitValues(content);
  checkPlausible(values, file);
  checkId(file, header.descrip, record);
  checkGrid(file, record, shape, coordinates.affine);
  if ("FusedSHA256" in record && voxelDigest(values, shape, record.StoredDtype) !== record.FusedSHA256) {
    throw new BadInput(
      `${file} does not contain the voxels that were written (${record.StoredDtype}); its sidecar is unchanged. The image was ` +
        "converted to another type, filtered or edited, which can destroy information about the sources. Give the original " +
        "image, or fuse again.",
    );
  }
  if (record.CheckpointSHA256 !== checkpoint) {
    throw new BadInput(
      `${file} was fused with other weights (sha256 ${record.CheckpointSHA256.slice(0, 12)}…, those of this page are ` +
        `${checkpoint.slice(0, 12)}…): they would take it apart wrongly. Use the page that was built with those weights, or the bundle.`,
    );
  }
  for (let i = 0; i < values.length; i++) values[i] = Math.min(Math.max(values[i], 0), 1);
  return { file, shape, affine: coordinates.affine, coordinates, values };
}

/** Values in [0, 1], as the estimates were made from; integers without a scale factor span their range. */
function unitValues(content) {
  const { header, stored } = content;
  const highest = highestLevel(content);
  const [slope, intercept] = [Math.fround(header.slope), Math.fround(header.intercept)];
  const values = new Float32Array(stored.length);
  for (let i = 0; i < values.length; i++) {
    const number = Number(stored[i]);
    values[i] = highest ? number / highest : Math.fround(number * slope) + intercept;
  }
  return values;
}

/** The integer that represents 1; null where the values are those that the header scales to. */
function highestLevel({ file, header, stored }) {
  const written = [255, 65535].find((highest) => Math.fround(header.slope) === Math.fround(1 / highest));
  if (written && header.intercept === 0 && /^u?int/.test(header.dtype)) return written;
  if (!plainInteger(header)) return null;
  const present = stored.reduce((most, number) => Math.max(most, Number(number)), -Infinity);
  if (present <= 255) return 255;
  if (header.dtype !== "int16") return 65535;
  throw new BadInput(
    `${file} holds int16 values up to ${present} without a scale factor, so the value that represents 1 is unknown. Store ` +
      "the fused image as uint8 or uint16 (0 to 255 or 65535), or as float32.",
  );
}

function checkPlausible(values, file) {
  let [low, high, invalid] = [Infinity, -Infinity, 0];
  for (let i = 0; i < values.length; i++) {
    if (!Number.isFinite(values[i])) invalid++;
    if (values[i] < low) low = values[i];
    if (values[i] > high) high = values[i];
  }
  if (invalid)
    throw new BadInput(`${file} contains ${invalid} voxels that are NaN or infinite. Repair it, or fuse again.`);
  if (low === high) {
    throw new BadInput(
      `${file} contains only the value ${low}, so it cannot be decomposed. Give the fused image itself.`,
    );
  }
  if (low < facts.plausible[0] || high > facts.plausible[1]) {
    throw new BadInput(
      `${file} has values from ${Number(low.toPrecision(6))} to ${Number(high.toPrecision(6))}, but a fused image lies in [0, 1]. ` +
        "Give a file named *_fused.nii.gz, or one stored as uint8 or uint16; a source image cannot be decomposed.",
    );
  }
}

function checkId(file, descrip, record) {
  const written = /, id ([0-9a-f]{12})/.exec(descrip)?.[1];
  const known = record.FusionID;
  if (written && known) {
    if (written !== known) {
      throw new BadInput(
        `${file} and the sidecar next to it belong to different fusions (id ${written} in the image, ${known} in the sidecar). ${REMEDY}`,
      );
    }
  } else if ("Patient" in record && record.Patient !== patientOfFused(file)) {
    throw new BadInput(
      `the sidecar next to ${file} is of patient ${record.Patient}. ${REMEDY} If both files were renamed, change "Patient" in the sidecar.`,
    );
  }
}

function checkGrid(file, record, shape, affine) {
  if (record.Shape && record.Shape.some((size, axis) => size !== shape[axis])) {
    throw new BadInput(
      `${file} has shape (${shape.join(", ")}), but (${record.Shape.join(", ")}) was written: it was resampled or cropped, which ` +
        "destroys information about the sources. Give the original fused image.",
    );
  }
  if (!record.Affine) return;
  const reach = record.Affine.map((row, i) => {
    const apart = row.map((value, j) => Math.abs(value - affine[i][j]));
    return apart[0] * shape[0] + apart[1] * shape[1] + apart[2] * shape[2] + apart[3];
  });
  if (!(norm(reach) <= 0.1 * Math.min(...spacings(record.Affine)))) {
    throw new BadInput(
      `${file} has different coordinates than when it was fused: it was resampled or reoriented, so its voxels are not the ` +
        "original ones. Give the original fused image.",
    );
  }
}
