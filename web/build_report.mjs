/**
 * Bundle what takes the fused image of a report apart in its page.
 *
 *   node build_report.mjs FACTS.json FOLDER
 *
 * Writes decompose.js and decompose_worker.js into the folder; tools/build_web.py packs them for the bundle.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { bundled } from "./bundled.mjs";

const [facts, folder] = process.argv.slice(2);
writeFileSync(join(folder, "decompose.js"), await bundled("report.js", facts));
writeFileSync(join(folder, "decompose_worker.js"), await bundled("engine/cpu_worker.js", facts));
