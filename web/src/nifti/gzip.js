/** Unpack gzip to the end, checking its checksum, and pack it. */
import { Inflate } from "pako";

const CHUNK = 1 << 20;

/**
 * Yield the unpacked bytes of a stream. Files of several members, as bgzip writes them, are one.
 *
 * @param {AsyncIterable<Uint8Array>} packed chunks of the compressed file.
 * @throws {Error} when it is truncated or its checksum is wrong.
 */
export async function* gunzip(packed) {
  let ready = [];
  const fresh = () => {
    const inflate = new Inflate({ chunkSize: CHUNK });
    inflate.onData = (chunk) => ready.push(chunk);
    inflate.onEnd = () => {};
    return inflate;
  };
  let inflate = fresh();
  let begun = false;
  for await (const chunk of packed) {
    // Zeros may follow the end of a member, and another member after it.
    if (begun && inflate.ended) {
      const next = chunk.findIndex((byte) => byte !== 0);
      if (next < 0) continue;
      inflate = fresh();
      inflate.push(chunk.subarray(next), false);
    } else {
      inflate.push(chunk, false);
    }
    begun = true;
    if (inflate.err) throw new Error(inflate.msg || `error ${inflate.err} while unpacking`);
    yield* ready;
    ready = [];
  }
  if (!inflate.ended) throw new Error("compressed file ended before the end-of-stream marker was reached");
}

/** Compress bytes in the background. */
export async function gzip(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** Chunks of a file or blob; `for await` over a stream is not known to every browser. */
export async function* chunks(blob) {
  const reader = blob.stream().getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}
