/** Check a record against the bundle's JSON schema, and say in plain words what does not fit. */
import { BadInput } from "../bad_input.js";

const shown = (value) => {
  const text = typeof value === "string" ? `'${value}'` : JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
};
const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);
const TYPES = {
  object: isObject,
  array: Array.isArray,
  string: (value) => typeof value === "string",
  number: (value) => typeof value === "number",
  integer: Number.isInteger,
  boolean: (value) => typeof value === "boolean",
  null: (value) => value === null,
};
const FORMATS = {
  word: (text) => text.length <= 64 && /^[A-Za-z0-9](?:[A-Za-z0-9_.+-]*[A-Za-z0-9_+-])?$/.test(text),
  "file-name": (text) =>
    text.length > 0 && new TextEncoder().encode(text).length < 256 && ![".", ".."].includes(text) && !/[/\\\x00-\x1f\x7f]/.test(text),
};

/** Raise unless `content` fits `schema`. */
export function checkSchema(content, schema, where, remedy) {
  const problem = mismatch(content, schema, "");
  if (problem) throw new BadInput(`${where}${problem}. ${remedy}`);
}

function mismatch(value, schema, place) {
  const wrong = () => `${place ? `: "${place}" is` : " holds"} ${shown(value)}, expected ${schema.description ?? "another value"}`;
  const types = schema.type === undefined ? [] : [schema.type].flat();
  if (types.length && !types.some((type) => TYPES[type](value))) return wrong();
  if (schema.enum && !schema.enum.includes(value)) return wrong();
  if (typeof value === "number" && (value < (schema.minimum ?? -Infinity) || value > (schema.maximum ?? Infinity))) return wrong();
  if (typeof value === "string") {
    if (schema.pattern && !new RegExp(schema.pattern.replace("\\Z", "$")).test(value)) return wrong();
    if (schema.format && !FORMATS[schema.format](value)) return wrong();
  }
  if (Array.isArray(value)) {
    if (value.length < (schema.minItems ?? 0) || value.length > (schema.maxItems ?? Infinity)) return wrong();
    if (schema.uniqueItems && new Set(value.map((item) => JSON.stringify(item))).size < value.length) return wrong();
    for (const [i, item] of value.entries()) {
      const problem = schema.items && mismatch(item, schema.items, `${place}[${i}]`);
      if (problem) return problem;
    }
  }
  if (isObject(value)) {
    const missing = (schema.required ?? []).find((key) => !(key in value));
    if (missing) return `${place ? `: "${place}"` : ""} has no key "${missing}"`;
    for (const [key, entry] of Object.entries(value)) {
      const rule = schema.properties?.[key] ?? schema.additionalProperties;
      const problem = isObject(rule) && mismatch(entry, rule, place ? `${place}.${key}` : key);
      if (problem) return problem;
    }
  }
  return null;
}
