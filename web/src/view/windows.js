/** Grey windows, and the scale of the errors; see `scripts/outputs/slice_choice.py`. */
import { facts } from "../facts.js";

const BINS = 4096;

/** The value below which a share of the numbers lies, by a histogram. */
function quantile(counts, total, share, low, high) {
  let sum = 0;
  for (let bin = 0; bin < BINS; bin++) {
    sum += counts[bin];
    if (sum >= share * total) return low + ((bin + 1) / BINS) * (high - low);
  }
  return high;
}

/** Values drawn black and white: the lowest, and the 99.5th percentile of those above it. */
export function greyWindow(values) {
  let [low, high] = [Infinity, -Infinity];
  for (let i = 0; i < values.length; i += 3) {
    if (values[i] < low) low = values[i];
    if (values[i] > high) high = values[i];
  }
  if (!(high > low)) return [low, low + 1];
  const counts = new Uint32Array(BINS);
  let total = 0;
  for (let i = 0; i < values.length; i += 3) {
    if (values[i] <= low) continue;
    counts[Math.min(BINS - 1, Math.floor(((values[i] - low) / (high - low)) * BINS))]++;
    total++;
  }
  return [low, quantile(counts, total, 0.995, low, high)];
}

/** What 99 % of the errors stay below, in percent of the window, on a readable scale. */
export function errorLimit(held, windows) {
  let most = 0;
  held.sources.forEach(({ values }, i) => {
    const span = windows[i][1] - windows[i][0];
    const counts = new Uint32Array(BINS);
    let total = 0;
    const estimate = held.estimates[i];
    for (let at = 0; at < values.length; at += 3) {
      const error = Math.abs(estimate[at] - values[at]) / span;
      if (error > 0) {
        counts[Math.min(BINS - 1, Math.floor(error * BINS))]++;
        total++;
      }
    }
    if (total) most = Math.max(most, 100 * quantile(counts, total, 0.99, 0, 1));
  });
  return facts.errorLimits.find((limit) => limit >= most) ?? facts.errorLimits.at(-1);
}
