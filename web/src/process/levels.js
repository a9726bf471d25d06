/** Grey levels, as `scripts/outputs/levels.py` rounds them. */

export const HIGHEST = { uint8: 255, uint16: 65535, int16: 32767 };
const ARRAYS = { uint8: Uint8Array, int16: Int16Array, uint16: Uint16Array, float32: Float32Array };
const LOWEST = { uint8: 0, int16: -32768, uint16: 0 };

/** The nearest whole number, the even one of two. */
export function rint(value) {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return rest < 0.5 ? floor : floor + 1;
  return floor % 2 === 0 ? floor : floor + 1;
}

/** What is read back, in single precision, from a value in [0, 1] that is stored with `highest` levels. */
export function asStored(value, highest) {
  const shown = value < 0 ? 0 : value > 1 ? 1 : value;
  return Math.fround(rint(Math.fround(shown * highest)) / highest);
}

/** Levels of values in [0, 1]: numbers to store in a file of an integer type. */
export function unitLevels(values, dtype) {
  const highest = HIGHEST[dtype];
  const step = 1 / highest;
  const levels = new ARRAYS[dtype](values.length);
  for (let i = 0; i < levels.length; i++) levels[i] = Math.min(Math.max(rint(values[i] / step), 0), highest);
  return levels;
}

/** Values in their own units as a file of a type holds them: rounded and cut off in integers. */
export function asType(values, dtype) {
  if (dtype === "float32") return values;
  const [low, high] = [LOWEST[dtype], HIGHEST[dtype]];
  const stored = new ARRAYS[dtype](values.length);
  for (let i = 0; i < stored.length; i++) stored[i] = Math.min(Math.max(rint(values[i]), low), high);
  return stored;
}
