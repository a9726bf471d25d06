/** Bundle a script with all that it imports, as text that can stand in a script element. */
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

export const HERE = dirname(fileURLToPath(import.meta.url));

/**
 * @param {string} entry below `src`.
 * @param {string} facts JSON file of what the bundle and the page share.
 */
export async function bundled(entry, facts) {
  const result = await build({
    entryPoints: [join(HERE, "src", entry)],
    bundle: true,
    format: "iife",
    minify: true,
    target: "es2022",
    charset: "utf8",
    write: false,
    legalComments: "none",
    logLevel: "error",
    // The runtime asks where it lies; nothing is loaded from there.
    define: { "import.meta.url": "'blob:page'" },
    alias: { "bundle-facts": facts },
    loader: { ".json": "json" },
  });
  return result.outputFiles[0].text.replaceAll("</script", "<\\/script").replaceAll("<!--", "<\\!--");
}
