/** Sort chosen files: sources by the contrast in their names, a fused image, its record. */
import { BadInput } from "../bad_input.js";
import { displayName, facts } from "../facts.js";
import { isResult, parseName, patientOfFused } from "./names.js";

const isVolume = (name) => /\.nii(\.gz)?$/i.test(name);

/**
 * Say what a file is, by its name.
 *
 * @param {File} file the file.
 * @param {string[]} sources names of the network's sources.
 * @returns {string} "fused", "record", a source, or "" where the name does not say it.
 */
export function roleOf(file, sources) {
  const { name } = file;
  if (/\.json$/i.test(name)) return "record";
  if (!isVolume(name)) {
    const hint = /\.(dcm|ima)$|^[^.]+$/i.test(name)
      ? "For DICOM use the bundle (docs/dicom.md), or convert it (dcm2niix)."
      : "Give T1-Gd and FLAIR as .nii or .nii.gz, or a fused image with its .json.";
    throw new BadInput(`${name} has an unsupported extension, expected .nii or .nii.gz. ${hint}`);
  }
  if (patientOfFused(name)) return "fused";
  if (isResult(name)) {
    throw new BadInput(`${name} is a result, not a source: a fused image was decomposed to it. Give the fused image and its .json.`);
  }
  const contrast = parseName(name)?.contrast;
  if (!contrast) return "";
  if (sources.includes(contrast)) return contrast;
  throw new BadInput(
    `${name} is ${facts.displayNames[contrast] ?? contrast} by its name; the network in this page fuses ` +
      `${sources.map(displayName).join(" and ")}. Give those, or rename the file.`,
  );
}

/**
 * What can be done with the files at hand.
 *
 * @param {{file: File, role: string}[]} files chosen so far.
 * @param {string[]} sources names of the network's sources.
 * @returns {{task: "fuse" | "decompose" | null, wanted: string}} what is missing, in words.
 */
export function plan(files, sources) {
  const of = (role) => files.filter((one) => one.role === role);
  for (const role of ["fused", "record", ...sources]) {
    const found = of(role);
    if (found.length > 1) {
      throw new BadInput(
        `${found.map(({ file }) => file.name).join(" and ")} are both ${role === "record" ? "records (.json)" : role === "fused" ? "fused images" : displayName(role)}. Give the files of one patient.`,
      );
    }
  }
  const there = (role) => of(role).length === 1;
  if (there("fused") || there("record")) {
    const some = sources.filter(there);
    if (!there("record")) {
      const name = of("fused")[0].file.name.replace(/\.nii(\.gz)?$/i, ".json");
      return { task: null, wanted: `Add ${name}, the record that was written with the fused image: without it the intensities of the sources cannot be restored.` };
    }
    if (!there("fused")) return { task: null, wanted: "Add the fused image that this record was written with (*_fused.nii.gz)." };
    if (some.length && some.length < sources.length) {
      return { task: "decompose", wanted: "One source alone is not compared. To see errors, drop both sources together with the fused image and its record." };
    }
    return { task: "decompose", wanted: "" };
  }
  const missing = sources.filter((role) => !there(role));
  if (!missing.length) return { task: "fuse", wanted: "" };
  if (of("").length) return { task: null, wanted: "Say which image is which: their names do not tell it." };
  return { task: null, wanted: `Add the ${missing.map(displayName).join(" and the ")} of the same patient.` };
}
