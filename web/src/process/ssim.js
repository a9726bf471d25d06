/** Structural similarity (Wang et al. 2004) as `scripts/losses/ssim.py`: 11 Gaussian taps, windows inside the image. */

const TAPS = 11;
const [C1, C2] = [0.01 ** 2, 0.03 ** 2];
const WEIGHTS = (() => {
  const taps = Float64Array.from({ length: TAPS }, (_, i) => Math.exp(-((i - 5) ** 2) / (2 * 1.5 ** 2)));
  const sum = taps.reduce((a, b) => a + b);
  return taps.map((tap) => tap / sum);
})();

/** Weighted mean in every window, (height - 10) x (width - 10). */
function windowMean(image, height, width) {
  const [rows, columns] = [height - TAPS + 1, width - TAPS + 1];
  const half = new Float32Array(rows * width);
  for (let tap = 0; tap < TAPS; tap++) {
    const weight = WEIGHTS[tap];
    for (let i = 0, from = tap * width; i < half.length; i++, from++) half[i] += weight * image[from];
  }
  const mean = new Float32Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    for (let tap = 0; tap < TAPS; tap++) {
      const weight = WEIGHTS[tap];
      for (let i = 0, from = row * width + tap, to = row * columns; i < columns; i++) mean[to++] += weight * half[from++];
    }
  }
  return mean;
}

/**
 * Mean similarity of two images in [0, 1].
 *
 * @returns {number} NaN where the first is black or a side is shorter than the window.
 */
export function ssim(one, other, height, width) {
  if (Math.min(height, width) < TAPS || !one.some((value) => value > 0)) return NaN;
  const power = new Float32Array(one.length);
  const product = new Float32Array(one.length);
  for (let i = 0; i < one.length; i++) {
    power[i] = one[i] * one[i] + other[i] * other[i];
    product[i] = one[i] * other[i];
  }
  const [x, y, p, xy] = [one, other, power, product].map((image) => windowMean(image, height, width));
  let sum = 0;
  for (let i = 0; i < x.length; i++) {
    const means = x[i] * x[i] + y[i] * y[i];
    const luminance = (2 * x[i] * y[i] + C1) / (means + C1);
    sum += (luminance * (2 * (xy[i] - x[i] * y[i]) + C2)) / (p[i] - means + C2);
  }
  return sum / x.length;
}
