/** The network of this page, ready to compute: on the graphics card where it gives the same images, else in WebAssembly. */
import { fromBase64, unpackPart } from "../bytes.js";
import { describe } from "./description.js";
import { Pool, poolSize } from "./pool.js";

/** How far the graphics card may be from WebAssembly, in shares of the range, to be used. */
const FUSED_LIMIT = 1 / 65535;
const ESTIMATE_LIMIT = 5e-4;
/** Longest trial of the graphics card in milliseconds: where a program stands in for one, it takes minutes. */
const TRIAL = 10_000;

const part = (id) => document.getElementById(id);

export class Engine {
  static async open() {
    const engine = new Engine();
    const [fuse, decompose] = await Promise.all([unpackPart("fuse-onnx"), unpackPart("decompose-onnx")]);
    engine.graphs = { fuse, decompose };
    engine.description = describe(decompose);
    engine.pool = null;
    engine.gpu = null;
    engine.graphics = "";
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
      await this.pool.ready();
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
    const where = this.gpu ? "the graphics card (WebGPU)" : `the processor (WebAssembly, ${this.pool.workers.length} workers)`;
    return [`computes on ${where}`, this.graphics].filter(Boolean).join("; ");
  }

  async graphicsPool() {
    this.gpuWasm ??= await unpackPart("gpu-wasm");
    return new Pool(part("gpu-worker").textContent, this.loaded(this.gpuWasm), 1);
  }

  /** Compare the graphics card with the processors on a slice: its images must be the same, and come sooner. */
  async tryGraphics(processors, slice) {
    if (!part("gpu-worker") || !navigator.gpu || !(await navigator.gpu.requestAdapter())) return false;
    const pool = await this.graphicsPool();
    const tooLong = setTimeout(() => pool.stop(), TRIAL);
    const timed = async (which) => {
      const begin = performance.now();
      const result = await which.run("fuse", { ...slice, image: slice.image.slice() });
      return { ...result, ms: performance.now() - begin };
    };
    try {
      // The first run of each prepares what the second measures.
      await timed(pool);
      const [one, other] = [await timed(processors), await timed(pool)];
      const [fused, estimates] = [farthest(one.fused, other.fused), farthest(one.estimates, other.estimates)];
      const told = `images differ by ${fused.toExponential(1)} fused, ${estimates.toExponential(1)} estimated`;
      if (fused > 1.01 * FUSED_LIMIT || estimates > ESTIMATE_LIMIT) this.graphics = `graphics card not used: ${told}`;
      else if (other.ms * processors.workers.length >= one.ms) {
        this.graphics = `graphics card not used: ${told}, but it is slower (${Math.round(other.ms)} against ${Math.round(one.ms)} ms a slice)`;
      } else {
        this.graphics = told;
        return pool;
      }
    } catch (error) {
      this.graphics = `graphics card not used: ${pool.stopped ? "too slow" : error.message}`;
    } finally {
      clearTimeout(tooLong);
    }
    pool.stop();
    return false;
  }

  /** Stop what is computed; idle workers stay loaded. */
  stop() {
    for (const pool of [this.pool, this.gpu]) if (pool && pool.active) pool.stop();
  }
}

function farthest(one, other) {
  let most = 0;
  for (let i = 0; i < one.length; i++) most = Math.max(most, Math.abs(one[i] - other[i]));
  return one.length === other.length && most === most ? most : Infinity;
}

/** A file that is embedded in the page. */
export const embeddedFile = (id, name) => new File([fromBase64(part(id).textContent)], name);
