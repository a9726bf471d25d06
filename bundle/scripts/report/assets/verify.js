"use strict";

// The button "Decompose here": the fused image of the page is decomposed in it, and compared with the estimates.
(() => {
  const byId = (id) => document.getElementById(id);
  const { about, bytes, file, addKind } = globalThis.report;
  // Largest difference between computers, in shares of the range.
  const LIMIT = 0.001;
  const { image, scale, checkpoint, sources } = JSON.parse(byId("verify-about").textContent);

  async function unpacked(id) {
    const stream = new Blob([bytes(byId(id).textContent)]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Uint8Array(await new Response(stream).arrayBuffer());
  }

  async function values(name) {
    const { read } = await file(name);
    const volume = new Float32Array(about.shape.reduce((a, b) => a * b));
    for (let at = 0; at < volume.length; at++) volume[at] = read(at);
    return volume;
  }

  const percent = (share) => `${(100 * share).toFixed(share < 0.001 ? 3 : 2)} %`;

  // How far two volumes are apart, and what the rounding of the other explains.
  function compared(one, other, step) {
    let [most, low, high, whole] = [0, Infinity, -Infinity, true];
    for (let at = 0; at < one.length; at++) {
      const value = other[at];
      most = Math.max(most, Math.abs(one[at] - value));
      low = Math.min(low, value);
      high = Math.max(high, value);
      whole &&= Number.isInteger(value);
    }
    const range = Math.max(high - low, 1e-9);
    return { most, share: most / range, same: most <= (whole ? 0.5 : 0) + (step ?? 0) / 2 + LIMIT * range };
  }

  async function told(estimates) {
    const lines = [];
    for (const [i, source] of sources.entries()) {
      const name = `estimate-${source}`;
      if (!(name in about.volumes)) {
        lines.push(`${source}: this file holds no estimate to compare with.`);
        continue;
      }
      const { label, step } = about.volumes[name];
      const { most, share, same } = compared(estimates[i], await values(name), step);
      const verdict = same ? "the same, apart from rounding" : "NOT the same";
      lines.push(`${label}: ${verdict}; the largest difference is ${Number(most.toPrecision(3))}, ${percent(share)} of the range.`);
    }
    return lines.join(" ");
  }

  async function verify() {
    const button = byId("verify");
    const progress = byId("verify-progress");
    [button.disabled, progress.hidden] = [true, false];
    byId("verify-result").textContent = "Decomposing …";
    try {
      const [wasm, network, fused] = await Promise.all([unpacked("verify-wasm"), unpacked("verify-network"), values(image)]);
      const engine = { script: byId("verify-worker").textContent, wasm, network };
      const begin = performance.now();
      const estimates = await globalThis.fusioninn.decompose(engine, { fused, shape: about.shape, scale, checkpoint }, (share) => {
        progress.value = share;
      });
      const seconds = ((performance.now() - begin) / 1000).toFixed(1);
      byId("verify-result").textContent = `Decomposed in ${seconds} s. ${await told(estimates)}`;
      await addKind("here", Object.fromEntries(sources.map((source, i) => [source, estimates[i]])));
      document.documentElement.dataset.verified = "yes";
    } catch (error) {
      byId("verify-result").textContent = `This browser could not decompose the image: ${error.message}.`;
      button.disabled = false;
      document.documentElement.dataset.verified = "failed";
    }
    progress.hidden = true;
  }

  byId("verify").addEventListener("click", verify);
})();
