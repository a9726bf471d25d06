/** What a worker does with a slice. */
import { asStored } from "../process/levels.js";
import { ssim } from "../process/ssim.js";

export const tasks = {
  /** Fuse, store in `highest` levels, decompose what was stored, and compare both with the sources. */
  async fuse(network, { image, height, width, highest }) {
    const size = [height, width];
    const count = height * width;
    const fused = await network.fuse(image, size);
    for (let i = 0; i < count; i++) fused[i] = asStored(fused[i], highest);
    const estimates = await network.decompose(fused, size);
    const channel = (stack, i) => stack.subarray(i * count, (i + 1) * count);
    const sources = Array.from({ length: network.sources }, (_, i) => channel(image, i));
    const scores = {
      fused: sources.map((source) => ssim(source, fused, height, width)),
      decomposed: sources.map((source, i) => ssim(source, channel(estimates, i), height, width)),
    };
    return { fused, estimates, scores };
  },

  async decompose(network, { fused, height, width }) {
    return { estimates: await network.decompose(fused, [height, width]) };
  },
};
