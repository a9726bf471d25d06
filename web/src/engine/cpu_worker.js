/** Worker that computes on the processor, in WebAssembly with SIMD. One thread: slices are dealt out to workers. */
import * as ort from "onnxruntime-web/wasm";
import { serve } from "./serve.js";

serve(async (wasm) => {
  ort.env.wasm.numThreads = 1;
  ort.env.wasm.wasmBinary = wasm;
  ort.env.logLevel = "error";
  return { ort, options: { executionProviders: ["wasm"], logSeverityLevel: 3 } };
});
