/** Colours of errors, from black over red to yellow, as in the report. */

const STOPS = [
  [0, 0, 4], [40, 11, 84], [101, 21, 110], [159, 42, 99], [212, 72, 66], [245, 125, 21], [250, 193, 39], [252, 255, 164],
];

/** 256 colours as 32-bit pixels (little-endian RGBA). */
export const HEAT = Uint32Array.from({ length: 256 }, (_, i) => {
  const place = (i / 255) * (STOPS.length - 1);
  const at = Math.min(Math.floor(place), STOPS.length - 2);
  const [r, g, b] = STOPS[at].map((value, c) => Math.round(value + (STOPS[at + 1][c] - value) * (place - at)));
  return (0xff000000 | (b << 16) | (g << 8) | r) >>> 0;
});

export const GREY = Uint32Array.from({ length: 256 }, (_, i) => (0xff000000 | (i << 16) | (i << 8) | i) >>> 0);
