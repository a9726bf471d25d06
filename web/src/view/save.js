/** Save files from the page. */
import { zipSync } from "fflate";

/** Offer a file for download. */
export function download(name, content) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([content]));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/** Files of a patient in one archive, in a folder of its name; nothing is compressed twice. */
export const archive = (patient, files) =>
  zipSync(Object.fromEntries(files.map(([name, content]) => [`${patient}/${name}`, [content, { level: 0 }]])));
