/** Worker that computes on the graphics card by WebGPU. */
import * as ort from "onnxruntime-web/webgpu";
import { serve } from "./serve.js";

serve(async (wasm) => {
  ort.env.wasm.numThreads = 1;
  ort.env.wasm.wasmBinary = wasm;
  ort.env.logLevel = "error";
  return { ort, options: { executionProviders: ["webgpu"], logSeverityLevel: 3 } };
});
