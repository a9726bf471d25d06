/** The description that every export carries, read from the ONNX file itself (its metadata properties). */
import { BadInput } from "../bad_input.js";

const METADATA_PROPS = 14;

/** Fields of a protocol buffer: [number, bytes] of those with a length; others are passed over. */
function* fields(bytes) {
  let at = 0;
  const number = () => {
    let [value, factor] = [0, 1];
    for (;;) {
      const byte = bytes[at++];
      value += (byte & 127) * factor;
      if (byte < 128) return value;
      factor *= 128;
    }
  };
  while (at < bytes.length) {
    const key = number();
    const kind = key % 8;
    if (kind === 0) number();
    else if (kind === 1) at += 8;
    else if (kind === 5) at += 4;
    else if (kind === 2) {
      const length = number();
      yield [(key - kind) / 8, bytes.subarray(at, at + length)];
      at += length;
    } else throw new BadInput("the network in this page is damaged. Build or download the page again.");
  }
}

/** Description of an exported graph: weights, sources, sizes; see `scripts/runtimes/description.py`. */
export function describe(graph) {
  const text = (bytes) => new TextDecoder().decode(bytes);
  const description = {};
  for (const [number, entry] of fields(graph)) {
    if (number !== METADATA_PROPS) continue;
    const { 1: key, 2: value } = Object.fromEntries([...fields(entry)].map(([part, bytes]) => [part, text(bytes)]));
    try {
      description[key] = JSON.parse(value);
    } catch {
      description[key] = value;
    }
  }
  if (!description.checkpoint_sha256) {
    throw new BadInput("the network in this page does not state its weights. Build the page again with make web.");
  }
  return description;
}
