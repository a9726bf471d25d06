/** What the bundle and this page share, written by `tools/build_web.py` from the bundle's own code. */
import facts from "bundle-facts";

export { facts };

/** How a source is called on the page. */
export const displayName = (source) => facts.displayNames[source] ?? source;
