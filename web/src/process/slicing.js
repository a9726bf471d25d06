/** Slices of a volume whose first axis runs fastest; height and width are the other two axes in their order. */
import { orientation, spacings } from "../nifti/matrix.js";

/** The through-plane axis: the one of thick slices, else the one closest to feet-head. */
export function sliceAxis(affine) {
  const sizes = spacings(affine);
  const order = [0, 1, 2].sort((a, b) => sizes[a] - sizes[b]);
  if (sizes[order[2]] > 1.5 * sizes[order[1]]) return order[2];
  return orientation(affine).findIndex(({ axis }) => axis === 2);
}

/** How to walk through the slices across an axis. */
export function slicing(shape, axis) {
  const strides = [1, shape[0], shape[0] * shape[1]];
  const [down, across] = [0, 1, 2].filter((other) => other !== axis);
  return {
    axis,
    count: shape[axis],
    height: shape[down],
    width: shape[across],
    size: shape[down] * shape[across],
    step: strides[axis],
    down: strides[down],
    across: strides[across],
  };
}

/** Copy slice `index` of a volume into `target`, row by row. */
export function takeSlice(volume, cut, index, target = new Float32Array(cut.size)) {
  for (let row = 0, to = 0; row < cut.height; row++) {
    let from = index * cut.step + row * cut.down;
    for (let i = 0; i < cut.width; i++, from += cut.across) target[to++] = volume[from];
  }
  return target;
}

/** Put a slice into a volume. */
export function putSlice(volume, cut, index, slice, start = 0) {
  for (let row = 0, from = start; row < cut.height; row++) {
    let to = index * cut.step + row * cut.down;
    for (let i = 0; i < cut.width; i++, to += cut.across) volume[to] = slice[from++];
  }
}
