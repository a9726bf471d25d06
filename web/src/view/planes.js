/** Planes of a volume in radiological convention: the patient's right, or the nose, is on the left, the head on top. */
import { orientation, placeOf, spacings } from "../nifti/matrix.js";

export const NAMES = ["Sagittal", "Coronal", "Axial"];
/** Anatomical axes that run across and down the screen, by the axis that a plane is cut across. */
const ON_SCREEN = [[1, 2], [0, 2], [0, 1]];
const LETTERS = [["L", "R"], ["P", "A"], ["I", "S"]];

/** Where the voxels of a volume lie: what every plane of it needs. */
export class Grid {
  /**
   * @param {number[]} shape [X, Y, Z].
   * @param {number[][]} affine voxel to mm.
   * @param {[number, number][]} box first and last voxel of each axis that pictures show.
   */
  constructor(shape, affine, box) {
    this.shape = shape;
    this.box = box;
    this.affine = affine;
    this.sizes = spacings(affine);
    const found = orientation(affine);
    // Array axis of each anatomical one, and whether it ascends to the right, front and head.
    this.arrayAxis = [0, 1, 2].map((anatomical) => found.findIndex(({ axis }) => axis === anatomical));
    this.ascends = [0, 1, 2].map((anatomical) => found[this.arrayAxis[anatomical]].sign > 0);
    this.strides = [1, shape[0], shape[0] * shape[1]];
  }

  /** How to walk a plane: all axes of the screen descend in right, front and head. */
  plane(through, voxel) {
    const walk = (anatomical) => {
      const axis = this.arrayAxis[anatomical];
      const [least, most] = this.box[axis];
      const up = this.ascends[anatomical];
      const step = up ? -this.strides[axis] : this.strides[axis];
      return { axis, count: most - least + 1, up, size: this.sizes[axis], step, first: up ? most : least, letters: LETTERS[anatomical] };
    };
    const [across, down] = ON_SCREEN[through].map(walk);
    const axis = this.arrayAxis[through];
    const start = voxel[axis] * this.strides[axis] + across.first * this.strides[across.axis] + down.first * this.strides[down.axis];
    return { through: axis, across, down, start };
  }

  /** Voxel at a place of a plane, in columns and rows. */
  voxelAt(plane, column, row, voxel) {
    const moved = [...voxel];
    for (const [walk, at] of [[plane.across, column], [plane.down, row]]) {
      const inside = Math.min(Math.max(Math.floor(at), 0), walk.count - 1);
      moved[walk.axis] = walk.up ? walk.first - inside : walk.first + inside;
    }
    return moved;
  }

  /** Column and row of a voxel in a plane. */
  placeIn(plane, voxel) {
    return [plane.across, plane.down].map((walk) => (walk.up ? walk.first - voxel[walk.axis] : voxel[walk.axis] - walk.first));
  }

  /** Move by steps to the right, front and head. */
  moved(voxel, anatomical, steps) {
    const axis = this.arrayAxis[anatomical];
    const to = voxel[axis] + (this.ascends[anatomical] ? steps : -steps);
    const result = [...voxel];
    result[axis] = Math.min(Math.max(to, 0), this.shape[axis] - 1);
    return result;
  }

  index = (voxel) => voxel[0] + this.strides[1] * voxel[1] + this.strides[2] * voxel[2];

  /** Anatomical place of a voxel in words. */
  words(voxel) {
    const mm = placeOf(this.affine, voxel);
    return mm.map((value, axis) => `${LETTERS[axis][value < 0 ? 0 : 1]} ${Math.abs(value).toFixed(1)}`).join(", ");
  }

  /** Anatomical axes that run across and down in a plane. */
  onScreen = (through) => ON_SCREEN[through];
}
