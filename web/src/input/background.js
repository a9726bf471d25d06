/** NaN outside the head, as masking programs write it, is background; NaN within the head is an error. */

/**
 * Replace NaN that is connected to the border of the volume through NaN by 0, or by the lowest value if that is lower.
 *
 * @param {Float32Array} values x fastest.
 * @param {number[]} shape [X, Y, Z].
 * @returns {{values: Float32Array, count: number, background: number} | null} null where nothing is to be replaced.
 */
export function fillBackground(values, shape) {
  let [count, low] = [0, Infinity];
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (value !== value) count++;
    else if (value === Infinity || value === -Infinity) return null;
    else if (value < low) low = value;
  }
  if (!count || count === values.length || reached(values, shape) < count) return null;
  const background = Math.min(0, low);
  const filled = values.slice();
  for (let i = 0; i < filled.length; i++) if (filled[i] !== filled[i]) filled[i] = background;
  return { values: filled, count, background };
}

/** How many NaN are connected to the border. */
function reached(values, [nx, ny, nz]) {
  const seen = new Uint8Array(values.length);
  const stack = [];
  let count = 0;
  const visit = (at) => {
    if (seen[at] || values[at] === values[at]) return;
    seen[at] = 1;
    count++;
    stack.push(at);
  };
  // An axis of one voxel has no border to reach from.
  const atEnd = (i, n) => n > 1 && (i === 0 || i === n - 1);
  for (let z = 0, at = 0; z < nz; z++) {
    for (let y = 0; y < ny; y++) {
      const edge = atEnd(y, ny) || atEnd(z, nz);
      for (let x = 0; x < nx; x++, at++) if (edge || atEnd(x, nx)) visit(at);
    }
  }
  while (stack.length) {
    const at = stack.pop();
    const [x, y] = [at % nx, Math.floor(at / nx) % ny];
    if (x > 0) visit(at - 1);
    if (x < nx - 1) visit(at + 1);
    if (y > 0) visit(at - nx);
    if (y < ny - 1) visit(at + nx);
    if (at >= nx * ny) visit(at - nx * ny);
    if (at < nx * ny * (nz - 1)) visit(at + nx * ny);
  }
  return count;
}
