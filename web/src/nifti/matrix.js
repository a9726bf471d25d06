/** Small matrices: affines are three rows of four numbers, voxel to RAS millimetre. */

export const column = (affine, axis) => affine.map((row) => row[axis]);
export const norm = (vector) => Math.hypot(...vector);

/** Size of a voxel along each axis. */
export const spacings = (affine) => [0, 1, 2].map((axis) => norm(column(affine, axis)));

export function determinant(m) {
  return (
    m[0][0] * (m[1][1] * m[2][2] - m[1][2] * m[2][1]) -
    m[0][1] * (m[1][0] * m[2][2] - m[1][2] * m[2][0]) +
    m[0][2] * (m[1][0] * m[2][1] - m[1][1] * m[2][0])
  );
}

/** The rotation part without voxel sizes, 3 x 3. */
export function directions(affine) {
  const sizes = spacings(affine);
  return affine.map((row) => row.slice(0, 3).map((value, axis) => value / (sizes[axis] || 1)));
}

/** Whether an affine is one: finite, and its voxels have a volume. */
export function invertible(affine) {
  if (!affine.flat().every(Number.isFinite) || spacings(affine).some((size) => size === 0)) return false;
  return Math.abs(determinant(directions(affine))) >= 1e-6;
}

/** Inverse of a 3 x 3 matrix, transposed. */
function inverseTransposed(m) {
  const d = determinant(m);
  const cofactor = (r, c) => {
    const [a, b] = [0, 1, 2].filter((i) => i !== r);
    const [e, f] = [0, 1, 2].filter((i) => i !== c);
    return (m[a][e] * m[b][f] - m[a][f] * m[b][e]) * ((r + c) % 2 ? -1 : 1);
  };
  return m.map((row, r) => row.map((_, c) => cofactor(r, c) / d));
}

/** The orthogonal matrix closest to an invertible one (polar decomposition, by Newton's iteration). */
export function closestRotation(m) {
  let r = m.map((row) => [...row]);
  for (let i = 0; i < 50; i++) {
    const other = inverseTransposed(r);
    const next = r.map((row, a) => row.map((value, b) => (value + other[a][b]) / 2));
    const moved = Math.max(...next.flatMap((row, a) => row.map((value, b) => Math.abs(value - r[a][b]))));
    r = next;
    if (moved < 1e-15) break;
  }
  return r;
}

/** Place in millimetres of a voxel. */
export const placeOf = (affine, voxel) =>
  affine.map((row) => row[0] * voxel[0] + row[1] * voxel[1] + row[2] * voxel[2] + row[3]);

/** Largest distance between the places that two affines give the corners of a volume. */
export function largestDistance(one, other, shape) {
  const ends = [0, 1, 2].map((axis) => [0, Math.max((shape[axis] ?? 1) - 1, 1)]);
  let most = 0;
  for (const i of ends[0]) {
    for (const j of ends[1]) {
      for (const k of ends[2]) {
        const [a, b] = [placeOf(one, [i, j, k]), placeOf(other, [i, j, k])];
        most = Math.max(most, norm(a.map((value, axis) => value - b[axis])));
      }
    }
  }
  return most;
}

/** Whether two affines agree to 0.001 mm, or 0.001 voxels if smaller, allowing for NIfTI's precision. */
export function samePlace(one, other, shape) {
  const smallest = Math.min(...spacings(one));
  const rounding = 2e-7 * Math.max(...one.flat().map(Math.abs));
  return largestDistance(one, other, shape) <= 1e-3 * Math.min(1, smallest) + rounding;
}

/** For each array axis the anatomical one it runs along (0 left-right, 1 back-front, 2 feet-head) and its sign. */
export function orientation(affine) {
  const r = closestRotation(directions(affine));
  const found = [];
  const free = [true, true, true];
  const order = [0, 1, 2].sort((a, b) => Math.max(...column(r, b).map(Math.abs)) - Math.max(...column(r, a).map(Math.abs)));
  for (const axis of order) {
    const lengths = [0, 1, 2].map((out) => (free[out] ? Math.abs(r[out][axis]) : -1));
    const out = lengths.indexOf(Math.max(...lengths));
    free[out] = false;
    found[axis] = { axis: out, sign: r[out][axis] < 0 ? -1 : 1 };
  }
  return found;
}
