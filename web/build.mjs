/**
 * Bundle the page into one HTML file.
 *
 *   node build.mjs FACTS.json FUSE.onnx DECOMPOSE.onnx PHANTOM_FOLDER OUT.html
 *
 * Everything is inside: scripts, styles, the network, the runtime in WebAssembly, and the phantom. Called by
 * tools/build_web.py, which writes FACTS.json from the bundle's code.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { bundled, HERE as here } from "./bundled.mjs";

const [factsFile, fuse, decompose, phantom, out] = process.argv.slice(2);
const facts = JSON.parse(readFileSync(factsFile, "utf-8"));
const runtime = join(here, "node_modules", "onnxruntime-web", "dist");
const WASM = { cpu: "ort-wasm-simd-threaded.wasm", gpu: "ort-wasm-simd-threaded.asyncify.wasm" };

const packed = (file) => gzipSync(readFileSync(file), { level: 9 }).toString("base64");
const part = (id, text) => `<script type="text/plain" id="${id}">${text}</script>`;
const escaped = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");

const parts = [
  part("fuse-onnx", packed(fuse)),
  part("decompose-onnx", packed(decompose)),
  ...facts.phantomFiles.map(({ id, name }) => part(id, readFileSync(join(phantom, name)).toString("base64"))),
];
for (const [kind, wasm] of Object.entries(WASM)) {
  parts.push(
    part(`${kind}-worker`, await bundled(`engine/${kind}_worker.js`, factsFile)),
    part(`${kind}-wasm`, packed(join(runtime, wasm))),
  );
}

// Two packages come without the text of their licence; reports need it as well.
const assets = join(here, "..", "bundle", "scripts", "report", "assets");
const LICENCES = {
  "@niivue/niivue": join(assets, "NIIVUE_LICENSE"),
  "onnxruntime-web": join(assets, "ONNXRUNTIME_LICENSE"),
};
const licences = ["onnxruntime-web", "@niivue/niivue", "pako", "fflate", "@noble/hashes"].map((name) => {
  const folder = join(here, "node_modules", name);
  const { version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf-8"));
  const text = readFileSync(LICENCES[name] ?? join(folder, "LICENSE"), "utf-8");
  return `${name} ${version} (${license})\n\n${text.trim()}\n`;
});
const values = {
  style: [join(assets, "base.css"), join(here, "page.css")].map((file) => readFileSync(file, "utf-8")).join(""),
  notice: escaped(facts.notice),
  version: escaped(facts.version),
  weights: facts.checkpoint.slice(0, 12),
  licences: escaped(licences.join("\n")),
  parts: parts.join("\n"),
  script: await bundled("main.js", factsFile),
};
const page = readFileSync(join(here, "page.html"), "utf-8").replace(/\{\{(\w+)\}\}/g, (_, name) => values[name]);
writeFileSync(out, page);
