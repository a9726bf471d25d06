/** Read the coordinates of a volume by NIfTI's rules, and say what is doubtful; see `scripts/data/coordinates.py`. */
import { BadInput } from "../bad_input.js";
import { largestDistance, samePlace, spacings } from "./matrix.js";

const UNITS = { 0: ["unknown", 1], 1: ["metre", 1e3], 2: ["mm", 1], 3: ["micron", 1e-3] };
const MOST_CODE = 5;

const figures = (value, digits = 3) => String(Number(value.toPrecision(digits)));

/**
 * Read the coordinates of a volume.
 *
 * @param header result of `parseHeader`, or the same fields.
 * @param {string} file name for messages.
 * @returns {{affine: number[][], sformCode: number, qformCode: number, qform: number[] | null, doubts: string[]}}
 */
export function readCoordinates(header, file) {
  const doubts = [];
  const unit = header.units & 7;
  const [name, toMm] = UNITS[unit] ?? [`code ${unit}`, 1];
  if (!(unit in UNITS)) doubts.push(`its unit of length is unknown to NIfTI (${name}); mm is assumed`);
  else if (toMm !== 1) doubts.push(`its unit of length is the ${name}, converted to mm`);
  const sformCode = Math.max(0, header.sformCode);
  let qformCode = Math.max(0, header.qformCode);
  for (const [form, code] of [["s", sformCode], ["q", qformCode]]) {
    if (code > MOST_CODE) doubts.push(`its ${form}form has the code ${code}, which NIfTI does not define`);
  }
  const fields = qformFields(header, toMm);
  const qformAffine = qformCode ? affineOfQform(fields) : null;
  if (qformCode && !qformAffine && sformCode) {
    doubts.push("its qform is not a rotation and was ignored, the sform is used");
    qformCode = 0;
  }
  let affine;
  if (sformCode) {
    affine = header.sform.map((row) => row.map((value) => value * toMm));
    doubts.push(...contradictions(affine, qformAffine, fields, header.shape));
  } else if (qformCode) {
    if (!qformAffine) {
      throw new BadInput(
        `${file} has an invalid qform (quaternion, voxel sizes and offset ${fields.slice(1).map((value) => figures(value, 5)).join(", ")}). ` +
          "Correct the header's qform, or write an sform.",
      );
    }
    affine = qformAffine;
    if (![-1, 0, 1].includes(header.pixdim[0])) {
      doubts.push(`its qfac (pixdim[0]) is ${figures(header.pixdim[0], 6)}, which should be 1 or -1; its sign is used`);
    }
  } else {
    let spacing = fields.slice(1, 4);
    if (!spacing.every((size) => Number.isFinite(size) && size > 0)) {
      spacing = spacing.map((size) => (Number.isFinite(size) && size !== 0 ? Math.abs(size) : 1));
      doubts.push("some of its voxel sizes are not positive; their absolute value is used, and 1 mm for 0");
    }
    affine = sizesAlone(header.shape, spacing);
    doubts.push(
      "its orientation is not given (the codes of sform and qform are 0); its first axis is assumed to run to the left",
    );
  }
  return { affine, sformCode, qformCode, qform: qformCode && qformAffine ? fields : null, doubts };
}

/** The affine of voxel sizes alone: the origin in the middle, the first axis to the left. */
function sizesAlone(shape, spacing) {
  const signed = [-spacing[0], spacing[1], spacing[2]];
  return [0, 1, 2].map((row) => {
    const values = [0, 0, 0, -signed[row] * (((shape[row] ?? 1) - 1) / 2)];
    values[row] = signed[row];
    return values;
  });
}

/** Handedness, three voxel sizes, three numbers of the quaternion and three of the offset, in mm. */
function qformFields(header, toMm) {
  const qfac = header.pixdim[0] < 0 ? -1 : 1;
  const spacing = [0, 1, 2].map((axis) => {
    const size = header.pixdim[axis + 1] * toMm;
    // An axis of one voxel needs no size, and many writers omit it.
    return size === 0 && (header.shape[axis] ?? 1) === 1 ? 1 : size;
  });
  return [qfac, ...spacing, ...header.quaternion.slice(0, 3), ...header.quaternion.slice(3).map((value) => value * toMm)];
}

/** The affine of a qform, or null where it is not a rotation. */
export function affineOfQform(fields) {
  const [qfac, sx, sy, sz, b, c, d, ...offset] = fields;
  if (!fields.every(Number.isFinite) || sx <= 0 || sy <= 0 || sz <= 0) return null;
  const first = 1 - (b * b + c * c + d * d);
  if (first < -1e-5) return null;
  const w = first >= 1e-7 ? Math.sqrt(first) : 0;
  const s = 2 / (w * w + b * b + c * c + d * d);
  const rotation = [
    [1 - s * (c * c + d * d), s * (b * c - w * d), s * (b * d + w * c)],
    [s * (b * c + w * d), 1 - s * (b * b + d * d), s * (c * d - w * b)],
    [s * (b * d - w * c), s * (c * d + w * b), 1 - s * (b * b + c * c)],
  ];
  const sizes = [sx, sy, sz * qfac];
  return rotation.map((row, axis) => [...row.map((value, i) => value * sizes[i]), offset[axis]]);
}

function contradictions(affine, qformAffine, fields, shape) {
  if (!affine.flat().every(Number.isFinite)) return []; // refused where it is used
  const sizes = spacings(affine);
  if (qformAffine) {
    const apart = largestDistance(affine, qformAffine, shape);
    if (apart > 0.1 * Math.min(...sizes)) {
      return [`its sform and qform place it up to ${figures(apart)} mm apart, the sform is used`];
    }
    return [];
  }
  const spacing = fields.slice(1, 4);
  if (spacing.some((size) => size !== 0) && spacing.some((size, i) => !(Math.abs(size - sizes[i]) <= 0.05 * sizes[i]))) {
    const words = (list) => list.map((size) => figures(size, 4)).join(" x ");
    return [`its voxel sizes are ${words(spacing)} mm by pixdim but ${words(sizes)} mm by the sform, which is used`];
  }
  return [];
}

/**
 * Say what a header must hold so that the voxels lie where those of a source lie, in the forms that the source uses.
 *
 * @param {number[][]} affine voxel to mm.
 * @param {number[]} shape size of the volume.
 * @param like coordinates of the source.
 */
export function writtenCoordinates(affine, shape, like) {
  let { sformCode, qformCode } = like;
  let fields = like.qform;
  if (!fields || !samePlace(like.affine, affine, shape)) {
    fields = qformOf(affine);
    if (!fields) {
      sformCode = sformCode || qformCode;
      qformCode = 0;
      fields = [1, ...spacings(affine), 0, 0, 0, 0, 0, 0];
    }
  }
  const rounded = (values) => values.map(Math.fround);
  const written = {
    shape,
    units: 2,
    sformCode,
    qformCode,
    sform: affine.map(rounded),
    pixdim: rounded(fields.slice(0, 4)),
    quaternion: rounded(fields.slice(4)),
  };
  if (!samePlace(affine, readCoordinates(written, "").affine, shape)) written.sformCode = 2;
  return written;
}

/** The ten numbers of a qform for an affine without shear, else null. */
function qformOf(affine) {
  const sizes = spacings(affine);
  const r = affine.map((row) => row.slice(0, 3).map((value, axis) => value / sizes[axis]));
  for (const [a, b] of [[0, 1], [0, 2], [1, 2]]) {
    if (Math.abs(r.reduce((sum, row) => sum + row[a] * row[b], 0)) > 1e-5) return null;
  }
  const cross = r[0][0] * (r[1][1] * r[2][2] - r[2][1] * r[1][2]) - r[1][0] * (r[0][1] * r[2][2] - r[2][1] * r[0][2]) + r[2][0] * (r[0][1] * r[1][2] - r[1][1] * r[0][2]);
  const qfac = cross < 0 ? -1 : 1;
  const m = r.map((row) => [row[0], row[1], row[2] * qfac]);
  return [qfac, ...sizes, ...quaternionOf(m), ...affine.map((row) => row[3])];
}

/** Numbers b, c and d of the unit quaternion of a rotation, whose first number is not negative. */
function quaternionOf(m) {
  const squares = [
    1 + m[0][0] + m[1][1] + m[2][2],
    1 + m[0][0] - m[1][1] - m[2][2],
    1 - m[0][0] + m[1][1] - m[2][2],
    1 - m[0][0] - m[1][1] + m[2][2],
  ];
  const largest = squares.indexOf(Math.max(...squares));
  const twice = Math.sqrt(squares[largest]);
  const f = 1 / (2 * twice);
  const [wx, wy, wz] = [m[2][1] - m[1][2], m[0][2] - m[2][0], m[1][0] - m[0][1]];
  const [xy, xz, yz] = [m[0][1] + m[1][0], m[0][2] + m[2][0], m[1][2] + m[2][1]];
  const q = [
    [twice / 2, wx * f, wy * f, wz * f],
    [wx * f, twice / 2, xy * f, xz * f],
    [wy * f, xy * f, twice / 2, yz * f],
    [wz * f, xz * f, yz * f, twice / 2],
  ][largest];
  const sign = q[0] < 0 ? -1 : 1;
  return q.slice(1).map((value) => sign * value);
}
