/** The intensity scale of each slice: {"mode", "slice_axis", "offset", "factor"}, as in the record. */

/** Offset and factor of a source in a slice; one for all slices where the volume was normalised as a whole. */
export function scaleOf(scale, source, slice) {
  const pick = (row) => (row.length === 1 ? row[0] : row[slice]);
  return { offset: pick(scale.offset[source]), factor: pick(scale.factor[source]) };
}

/** An empty scale for slices that are normalised one by one. */
export const sliceScale = (axis, sources, slices) => ({
  mode: "slice",
  slice_axis: axis,
  offset: Array.from({ length: sources }, () => Array(slices).fill(0)),
  factor: Array.from({ length: sources }, () => Array(slices).fill(0)),
});
