/** The exported network: both directions on one slice, in single precision. Only the graphs' interface is relied on. */

/** Height and width that a graph accepts: at least the smallest, and multiples; zeros are added behind. */
function padded({ size_multiple: multiple, smallest_size: smallest }, size) {
  return Math.ceil(Math.max(size, smallest) / multiple) * multiple;
}

function resized(data, channels, [height, width], [newHeight, newWidth]) {
  if (height === newHeight && width === newWidth) return data;
  const result = new Float32Array(channels * newHeight * newWidth);
  const rows = Math.min(height, newHeight);
  const columns = Math.min(width, newWidth);
  for (let channel = 0; channel < channels; channel++) {
    for (let row = 0; row < rows; row++) {
      const from = (channel * height + row) * width;
      result.set(data.subarray(from, from + columns), (channel * newHeight + row) * newWidth);
    }
  }
  return result;
}

export class Network {
  /**
   * @param ort module of onnxruntime-web.
   * @param description what the graphs say about themselves.
   * @param {Record<string, object>} sessions by direction.
   */
  constructor(ort, description, sessions) {
    this.ort = ort;
    this.description = description;
    this.sessions = sessions;
    this.sources = description.sources.length;
  }

  static async load(ort, description, graphs, options) {
    const sessions = {};
    for (const [direction, bytes] of Object.entries(graphs)) {
      sessions[direction] = await ort.InferenceSession.create(bytes, options);
    }
    return new Network(ort, description, sessions);
  }

  async run(direction, inputs, output, channels, size) {
    const inner = size.map((length) => padded(this.description, length));
    const feeds = {};
    for (const [name, [data, count]] of Object.entries(inputs)) {
      feeds[name] = new this.ort.Tensor("float32", resized(data, count, size, inner), [1, count, ...inner]);
    }
    const results = await this.sessions[direction].run(feeds, [output]);
    const data = await results[output].getData();
    const kept = resized(data, channels, inner, size);
    const copy = kept === data ? data.slice() : kept;
    results[output].dispose();
    return copy;
  }

  /** Sources (N, height, width) in [0, 1] to the fused image (height, width). */
  fuse(image, size) {
    return this.run("fuse", { image: [image, this.sources] }, "fused", 1, size);
  }

  /** Fused image (height, width) to estimates (N, height, width), not below 0, with a latent of zeros. */
  async decompose(fused, size) {
    const latent = new Float32Array((this.sources - 1) * fused.length);
    const inputs = { fused: [fused, 1], latent: [latent, this.sources - 1] };
    const estimates = await this.run("decompose", inputs, "decomposed", this.sources, size);
    for (let i = 0; i < estimates.length; i++) if (estimates[i] < 0) estimates[i] = 0;
    return estimates;
  }
}
