/** One picture of a plane: values of one or two volumes as pixels, with crosshair and letters of the sides. */

export class Panel {
  /** @param {HTMLCanvasElement} canvas where to draw. */
  constructor(canvas, letters) {
    this.canvas = canvas;
    this.letters = letters;
    this.slice = document.createElement("canvas");
    this.place = null;
  }

  /**
   * Draw a plane.
   *
   * @param grid where the voxels lie.
   * @param plane result of `Grid.plane`.
   * @param {(at: number) => number} pixel colour of the voxel at an index, 32 bits.
   * @param {number[] | null} voxel the crosshair.
   */
  draw(grid, plane, pixel, voxel) {
    const { across, down, start } = plane;
    const { slice } = this;
    if (slice.width !== across.count || slice.height !== down.count) {
      [slice.width, slice.height] = [across.count, down.count];
      this.image = slice.getContext("2d").createImageData(across.count, down.count);
      this.pixels = new Uint32Array(this.image.data.buffer);
    }
    for (let row = 0, to = 0; row < down.count; row++) {
      let at = start + row * down.step;
      for (let column = 0; column < across.count; column++, at += across.step) this.pixels[to++] = pixel(at);
    }
    slice.getContext("2d").putImageData(this.image, 0, 0);
    this.show(grid, plane, voxel);
  }

  show(grid, plane, voxel) {
    const { across, down } = plane;
    const ratio = Math.min(devicePixelRatio || 1, 2);
    const { clientWidth, clientHeight } = this.canvas;
    const [width, height] = [Math.round(clientWidth * ratio), Math.round(clientHeight * ratio)];
    if (this.canvas.width !== width || this.canvas.height !== height) [this.canvas.width, this.canvas.height] = [width, height];
    const [wide, high] = [across.count * across.size, down.count * down.size];
    const zoom = Math.min(width / wide, height / high);
    const [drawnWidth, drawnHeight] = [wide * zoom, high * zoom];
    const [left, top] = [(width - drawnWidth) / 2, (height - drawnHeight) / 2];
    this.place = { left: left / ratio, top: top / ratio, column: (across.size * zoom) / ratio, row: (down.size * zoom) / ratio };
    const context = this.canvas.getContext("2d");
    context.fillStyle = "#000";
    context.fillRect(0, 0, width, height);
    context.imageSmoothingEnabled = true;
    context.imageSmoothingQuality = "high";
    context.drawImage(this.slice, left, top, drawnWidth, drawnHeight);
    if (voxel) this.drawCross(context, grid.placeIn(plane, voxel), { left, top, across, down, zoom, width, height, ratio });
    if (this.letters) drawLetters(context, across, down, width, height, ratio);
  }

  drawCross(context, [column, row], { left, top, across, down, zoom, width, height, ratio }) {
    const x = left + (column + 0.5) * across.size * zoom;
    const y = top + (row + 0.5) * down.size * zoom;
    const gap = 9 * ratio;
    context.strokeStyle = "rgba(90, 200, 255, 0.8)";
    context.lineWidth = ratio;
    context.beginPath();
    for (const [x1, y1, x2, y2] of [[0, y, x - gap, y], [x + gap, y, width, y], [x, 0, x, y - gap], [x, y + gap, x, height]]) {
      context.moveTo(x1, y1);
      context.lineTo(x2, y2);
    }
    context.stroke();
  }

  /** Column and row under the pointer. */
  at(event) {
    const box = this.canvas.getBoundingClientRect();
    const { left, top, column, row } = this.place;
    return [(event.clientX - box.left - left) / column, (event.clientY - box.top - top) / row];
  }
}

function drawLetters(context, across, down, width, height, ratio) {
  context.fillStyle = "#c9d0d8";
  context.font = `600 ${13 * ratio}px system-ui, sans-serif`;
  context.shadowColor = "#000";
  context.shadowBlur = 3 * ratio;
  const edge = 6 * ratio;
  // Both axes of the screen descend: the higher end is on the left, and on top.
  const write = (text, x, y, align, baseline) => {
    [context.textAlign, context.textBaseline] = [align, baseline];
    context.fillText(text, x, y);
  };
  write(across.letters[1], edge, height / 2, "left", "middle");
  write(across.letters[0], width - edge, height / 2, "right", "middle");
  write(down.letters[1], width / 2, edge + 14 * ratio, "center", "top");
  write(down.letters[0], width / 2, height - edge, "center", "bottom");
  context.shadowBlur = 0;
}
