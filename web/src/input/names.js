/** Read contrast and patient from names of files; the words are those of `scripts/data/contrasts.py`. */
import { facts } from "../facts.js";

const escaped = (word) => word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
const byLength = (words) => [...words].sort((a, b) => a.length - b.length).map(escaped).join("|");
const { words, versions, bids, agents } = facts.contrasts;
// The shortest patient wins, so that `P_brain_mask` is a mask of P.
const NAME = new RegExp(`^(?:(.+?)[_-])?(${byLength(Object.keys(words))})((?:[_-](?:${byLength(versions)}))*)$`, "is");

export const stem = (file) => file.replace(/(\.nii)+(\.gz)?$/i, "");

/**
 * Split a file name into patient and contrast.
 *
 * @param {string} file such as "BraTS18_X_t1ce.nii.gz" or "sub-01_ce-gadolinium_T1w.nii.gz".
 * @returns {{patient: string, contrast: string} | null} null where no contrast is named.
 */
export function parseName(file) {
  const name = stem(file);
  if (/^sub-[^_]+_/.test(name)) {
    const found = bidsName(name);
    if (found) return found.contrast ? found : null;
  }
  const match = NAME.exec(name);
  return match && { patient: match[1] ?? "", contrast: words[match[2].toLowerCase()] };
}

function bidsName(name) {
  const parts = name.split("_");
  const suffix = parts.pop();
  if (!parts.every((part) => part.includes("-"))) return null;
  const entities = Object.fromEntries(parts.map((part) => [part.slice(0, part.indexOf("-")), part.slice(part.indexOf("-") + 1)]));
  const patient = ["sub", "ses"].filter((key) => key in entities).map((key) => `${key}-${entities[key]}`).join("_");
  if (suffix !== "T1w") return { patient, contrast: bids[suffix] ?? words[suffix.toLowerCase()] ?? "" };
  const agent = (entities.ce ?? "").toLowerCase();
  const enhanced = agent ? !agents.none.includes(agent) : agents.given.includes((entities.acq ?? "").toLowerCase());
  return { patient, contrast: enhanced ? "t1gd" : "t1" };
}

/** Name of the patient in the name of a fused image, or null for any other file. */
export function patientOfFused(file) {
  const match = /^(.*)_fused\.nii(\.gz)?$/i.exec(file);
  return match && match[1] ? match[1] : null;
}

/** Whether a file is one that fusing wrote next to the fused image, not a source. */
export const isResult = (file) => /_(decomposed|latent|uncertainty|contribution)\.nii(\.gz)?$/i.test(file);

export const isPhantom = (patient) => patient.toLowerCase().includes("phantom");
