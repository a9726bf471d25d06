/** Normalise slices to [0, 1] in single precision, as `scripts/transforms/normalize.py`, and restore their units. */

/**
 * Scale a slice by its minimum and maximum, in place; a constant slice becomes 0.
 *
 * @param {Float32Array} slice grey values.
 * @returns {{offset: number, factor: number}} source = offset + factor * normalised.
 */
export function normaliseSlice(slice) {
  let [low, high] = [Infinity, -Infinity];
  for (let i = 0; i < slice.length; i++) {
    if (slice[i] < low) low = slice[i];
    if (slice[i] > high) high = slice[i];
  }
  const factor = Math.fround(high - low);
  const divisor = factor > 0 ? factor : 1;
  for (let i = 0; i < slice.length; i++) slice[i] = Math.fround(slice[i] - low) / divisor;
  return { offset: low, factor };
}

/** Undo the normalisation of a slice, in place. */
export function restoreSlice(slice, offset, factor, start = 0, end = slice.length) {
  const [low, scale] = [Math.fround(offset), Math.fround(factor)];
  for (let i = start; i < end; i++) slice[i] = Math.fround(slice[i] * scale) + low;
}
