/** Decompose the fused image of a report in its page; `bundle/scripts/report/assets/verify.js` calls it. */
import { describe } from "./engine/description.js";
import { Pool, poolSize } from "./engine/pool.js";
import { decomposeCase } from "./process/case.js";
import { slicing } from "./process/slicing.js";

globalThis.fusioninn = {
  /**
   * Estimate the sources from a fused image alone.
   *
   * @param {object} engine text of the worker ("script"), bytes of the runtime ("wasm") and of the network ("network").
   * @param {object} image "fused" (32-bit floats, x fastest), "shape", "scale" (as in the record) and "checkpoint".
   * @param {(share: number) => void} progress told after each slice.
   * @returns {Promise<Float32Array[]>} the estimate of each source in its own units.
   */
  async decompose({ script, wasm, network }, { fused, shape, scale, checkpoint }, progress) {
    const description = describe(network);
    if (description.checkpoint_sha256 !== checkpoint) throw new Error("the network in this page is not the one that fused the image");
    const cut = slicing(shape, scale.slice_axis);
    const estimates = description.sources.map(() => new Float32Array(fused.length));
    const held = { fused, cut, scale, estimates, ready: new Uint8Array(cut.count) };
    const pool = new Pool(script, { wasm, graphs: { decompose: network }, description }, poolSize());
    let made = 0;
    try {
      await decomposeCase(pool, held, { next: undefined, done: () => progress(++made / cut.count) });
    } finally {
      pool.stop();
    }
    return estimates;
  },
};
