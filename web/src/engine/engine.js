/** The network of this page, ready to compute: on the graphics card where it gives the same images, else in WebAssembly. */
import { fromBase64, unpackPart } from "../bytes.js";
import { describe } from "./description.js";
import { Pool, poolSize } from "./pool.js";

/** How far the graphics card may be from WebAssembly, in shares of the range, to be used. */
const FUSED_LIMIT = 1 / 65535;
const ESTIMATE_LIMIT = 2e-4;

const part = (id) => document.getElementById(id);

export class Engine {
  static async open() {
    const engine = new Engine();
    const [fuse, decompose] = await Promise.all([unpackPart("fuse-onnx"), unpackPart("decompose-onnx")]);
    engine.graphs = { fuse, decompose };
    engine.description = describe(decompose);
    engine.pool = null;
    engine.gpu = null;
    return engine;
  }

  get sources() {
    return this.description.sources;
  }

  get checkpoint() {
    return this.description.checkpoint_sha256;
  }

  /** Workers in WebAssembly; they stay loaded between cases. */
  async processors() {
    if (!this.pool || this.pool.stopped) {
      this.wasm ??= await unpackPart("cpu-wasm");
      this.pool = new Pool(part("cpu-worker").textContent, this.loaded(this.wasm), poolSize());
      await this.pool.loaded[0];
    }
    return this.pool;
  }

  loaded(wasm) {
    const { graphs, description } = this;
    return { wasm, graphs, description };
  }

  /**
   * The faster of both, compared on a slice first: a graphics card whose images differ is not used.
   *
   * @param {object} slice "image", "height", "width" and "highest" of one slice.
   */
  async choose(slice) {
    const processors = await this.processors();
    if (this.gpu === null) this.gpu = await this.tryGraphics(processors, slice).catch(() => false);
    if (this.gpu && this.gpu.stopped) this.gpu = await this.graphicsPool();
    return this.gpu || processors;
  }

  get name() {
    if (this.gpu) return "computes on the graphics card (WebGPU)";
    return this.pool ? `computes on the processor (WebAssembly, ${this.pool.workers.length} workers)` : "starting";
  }

  async graphicsPool() {
    this.gpuWasm ??= await unpackPart("gpu-wasm");
    return new Pool(part("gpu-worker").textContent, this.loaded(this.gpuWasm), 1);
  }

  async tryGraphics(processors, slice) {
    if (!part("gpu-worker") || !navigator.gpu || !(await navigator.gpu.requestAdapter())) return false;
    const pool = await this.graphicsPool();
    try {
      const copy = () => ({ ...slice, image: slice.image.slice() });
      await pool.loaded[0];
      const one = await processors.run("fuse", copy());
      const other = await pool.run("fuse", copy());
      // Both estimates are of nearly the same fused image, which magnifies what differs there.
      if (farthest(one.fused, other.fused) <= 1.01 * FUSED_LIMIT && farthest(one.estimates, other.estimates) <= ESTIMATE_LIMIT) {
        const time = async (which) => {
          const begin = performance.now();
          await which.run("fuse", copy());
          return performance.now() - begin;
        };
        const [on, off] = [await time(pool), (await time(processors)) / processors.workers.length];
        if (on < off) return pool;
      }
    } catch {
      // Without the graphics card it only takes longer.
    }
    pool.stop();
    return false;
  }

  /** Stop what is computed. */
  stop() {
    this.pool?.stop();
    if (this.gpu) this.gpu.stop();
  }
}

function farthest(one, other) {
  let most = 0;
  for (let i = 0; i < one.length; i++) most = Math.max(most, Math.abs(one[i] - other[i]));
  return one.length === other.length && most === most ? most : Infinity;
}

/** A file that is embedded in the page. */
export const embeddedFile = (id, name) => new File([fromBase64(part(id).textContent)], name);
