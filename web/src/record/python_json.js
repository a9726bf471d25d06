/** JSON as Python writes it: records of this page and of the bundle have one form, and their checksums agree. */

/** A number as Python's `repr` of a float. */
export function floatText(value) {
  if (Object.is(value, -0)) return "-0.0";
  if (value === 0) return "0.0";
  const [digits, exponent] = Math.abs(value).toExponential().split("e");
  const power = Number(exponent);
  const sign = value < 0 ? "-" : "";
  if (power < -4 || power >= 16) return `${sign}${digits}e${power < 0 ? "-" : "+"}${String(Math.abs(power)).padStart(2, "0")}`;
  const plain = digits.replace(".", "");
  if (power < 0) return `${sign}0.${"0".repeat(-power - 1)}${plain}`;
  const whole = plain.slice(0, power + 1).padEnd(power + 1, "0");
  return `${sign}${whole}.${plain.slice(power + 1) || "0"}`;
}

const ascii = (text) =>
  JSON.stringify(text).replace(/[\x7f-\uffff]/g, (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`);

/** The text that the checksum of a record is computed of: sorted keys, ASCII, every number a float. */
export function canonicalText(value) {
  if (Array.isArray(value)) return `[${value.map(canonicalText).join(", ")}]`;
  if (value && typeof value === "object") {
    const entries = Object.keys(value).sort().map((key) => `${ascii(key)}: ${canonicalText(value[key])}`);
    return `{${entries.join(", ")}}`;
  }
  if (typeof value === "number") return floatText(value);
  return typeof value === "string" ? ascii(value) : JSON.stringify(value);
}

/** Keys whose numbers are floats, also where they are whole. */
const FLOATS = new Set(["Affine", "offset", "factor", "SSIM"]);

/** The text of a record: two spaces of indentation, rows of numbers on one line. */
export function recordText(content) {
  return `${indented(content, "", false).replace(/\[\n([^[\]{}]*)\]/g, (_, row) => `[${row.trim().split(/\s+/).join(" ")}]`)}\n`;
}

function indented(value, margin, floats) {
  const inner = `${margin}  `;
  const block = (open, parts, close) => (parts.length ? `${open}\n${inner}${parts.join(`,\n${inner}`)}\n${margin}${close}` : open + close);
  if (Array.isArray(value)) return block("[", value.map((entry) => indented(entry, inner, floats)), "]");
  if (value && typeof value === "object") {
    const parts = Object.entries(value).map(
      ([key, entry]) => `${JSON.stringify(key)}: ${indented(entry, inner, floats || FLOATS.has(key))}`,
    );
    return block("{", parts, "}");
  }
  return floats && typeof value === "number" ? floatText(value) : JSON.stringify(value);
}
