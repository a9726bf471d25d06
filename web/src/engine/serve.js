/** Answer the messages of a pool in a worker. */
import { Network } from "./network.js";
import { tasks } from "./tasks.js";

const buffers = (result) => Object.values(result).filter(ArrayBuffer.isView).map((array) => array.buffer);

/** @param load loads onnxruntime-web from the bytes of its wasm; returns its module and options of sessions. */
export function serve(load) {
  let network = null;
  self.onmessage = async ({ data: { id, task, ...input } }) => {
    try {
      if (task === "load") {
        const { ort, options } = await load(input.wasm);
        network = await Network.load(ort, input.description, input.graphs, options);
        self.postMessage({ id, result: {} });
      } else {
        const result = await tasks[task](network, input);
        self.postMessage({ id, result }, buffers(result));
      }
    } catch (error) {
      self.postMessage({ id, error: error?.message ?? String(error) });
    }
  };
}
