/** The linked pictures of a case: slider between the images, sources, estimates and errors at one place. */
import { GREY, HEAT } from "./colours.js";
import { Panel } from "./panel.js";
import { Grid, NAMES } from "./planes.js";
import { errorLimit, greyWindow } from "./windows.js";

const byId = (id) => document.getElementById(id);
/** Pixels of the wheel for a slice. */
const ROLL = 40;
const KINDS = ["source", "estimate", "error"];

const share = (value, [low, high]) => {
  const grey = (255 * (value - low)) / (high - low);
  return grey < 0 ? 0 : grey > 255 ? 255 : grey;
};

export class Viewer {
  constructor() {
    this.held = null;
    this.blend = 100;
    this.through = 2;
    this.ends = "estimates";
    this.crosshair = true;
    this.onMove = () => {};
    this.large = new Panel(document.querySelector("[data-panel=blend]"), true);
    this.panels = [];
    this.pending = false;
    this.rolled = 0;
    new ResizeObserver(() => this.schedule()).observe(byId("stage"));
    this.listen(this.large);
  }

  /** Show a case; its estimates may still be missing. */
  open(held, start) {
    this.held = held;
    const box = headBox(held);
    this.grid = new Grid(held.shape, held.affine, box);
    this.voxel = start ?? middleOf(box);
    this.home = [...this.voxel];
    this.blend = 100;
    this.ends = "estimates";
    this.limit = 10;
    this.touched = new Set();
    this.windows = { fused: [0, 1] };
    held.names.forEach((name, i) => {
      this.windows[name] = held.sources[i] ? greyWindow(held.sources[i].values) : [0, 1];
    });
    this.makePanels();
    this.refresh();
  }

  /** Choose the windows anew where they follow from what is computed by now, and draw. */
  refresh() {
    const { held } = this;
    const keep = (name, window) => {
      if (!this.touched.has(name)) this.windows[name] = window;
    };
    keep("fused", greyWindow(held.fused));
    held.names.forEach((name, i) => {
      if (!held.sources[i]) keep(name, greyWindow(held.estimates[i]));
    });
    if (held.sources.length && held.ready.every(Boolean)) {
      this.limit = errorLimit(held, held.names.map((name) => this.windows[name]));
    }
    this.usual = { ...this.usual, ...Object.fromEntries(Object.entries(this.windows).filter(([name]) => !this.touched.has(name))) };
    this.schedule();
  }

  makePanels() {
    const { held } = this;
    const kinds = held.sources.length ? KINDS : ["estimate"];
    const frame = byId("small");
    frame.replaceChildren();
    frame.style.gridTemplateColumns = `repeat(${kinds.length}, minmax(0, 1fr))`;
    frame.style.gridTemplateRows = `repeat(${held.names.length}, minmax(0, 1fr))`;
    this.panels = held.names.flatMap((name, i) =>
      kinds.map((kind) => {
        const figure = document.createElement("figure");
        const caption = document.createElement("figcaption");
        caption.textContent = kind === "error" ? `${held.labels[i]} error ` : `${held.labels[i]} `;
        if (kind === "estimate") {
          const mark = document.createElement("b");
          [mark.className, mark.textContent] = ["estimated", "ESTIMATED"];
          caption.append(mark);
        }
        const canvas = document.createElement("canvas");
        canvas.dataset.panel = `${kind}-${name}`;
        canvas.setAttribute("role", "img");
        canvas.setAttribute("aria-label", caption.textContent.trim());
        figure.append(caption, canvas);
        frame.append(figure);
        const panel = new Panel(canvas, false);
        this.listen(panel);
        return Object.assign(panel, { kind, source: i });
      }),
    );
  }

  listen(panel) {
    const { canvas } = panel;
    const move = (event) => {
      if (!this.held || !panel.place) return;
      const plane = this.grid.plane(this.through, this.voxel);
      this.moveTo(this.grid.voxelAt(plane, ...panel.at(event), this.voxel));
    };
    canvas.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      if (event.pointerType === "mouse") canvas.setPointerCapture(event.pointerId);
      move(event);
    });
    canvas.addEventListener("pointermove", (event) => event.buttons & 1 && move(event));
    canvas.addEventListener(
      "wheel",
      (event) => {
        if (!this.held || event.ctrlKey || !event.deltaY) return;
        event.preventDefault();
        // A touchpad sends many small steps where a wheel sends one of about 100 pixels.
        this.rolled += event.deltaY * (event.deltaMode ? 30 : 1);
        const steps = Math.trunc(this.rolled / ROLL);
        this.rolled -= steps * ROLL;
        if (steps) this.step(-Math.sign(steps));
      },
      { passive: false },
    );
  }

  moveTo(voxel) {
    this.voxel = voxel;
    this.schedule();
    this.onMove();
  }

  /** Leaf through the slices. */
  step(steps) {
    this.moveTo(this.grid.moved(this.voxel, this.through, steps));
  }

  /** The slice of the network that is looked at. */
  get focus() {
    return this.voxel[this.held.cut.axis];
  }

  schedule() {
    if (this.pending || !this.held) return;
    this.pending = true;
    requestAnimationFrame(() => {
      this.pending = false;
      performance.mark("draw-start");
      this.draw();
      performance.measure("draw", "draw-start");
    });
  }

  draw() {
    const { held, grid, voxel } = this;
    const plane = grid.plane(this.through, voxel);
    const cross = this.crosshair ? voxel : null;
    this.large.draw(grid, plane, this.blended(), cross);
    for (const panel of this.panels) panel.draw(grid, plane, this.pixelOf(panel.kind, panel.source), cross);
    byId("scale").hidden = !held.sources.length;
    byId("scale-high").textContent = `${this.limit} % of the window or more`;
  }

  pixelOf(kind, i) {
    const { held } = this;
    const window = this.windows[held.names[i]];
    if (kind === "error") {
      const [one, other] = [held.sources[i].values, held.estimates[i]];
      const most = (this.limit / 100) * (window[1] - window[0]);
      const { ready, cut } = held;
      const count = cut.count;
      return (at) => {
        const index = Math.floor(at / cut.step) % count;
        return ready[index] ? HEAT[share(Math.abs(other[at] - one[at]), [0, most]) | 0] : HEAT[0];
      };
    }
    const values = kind === "source" ? held.sources[i].values : held.estimates[i];
    return (at) => GREY[share(values[at], window) | 0];
  }

  /** The image of the slider: an end, the fused image, or both in shares. */
  blended() {
    const { held } = this;
    const i = this.blend < 100 ? 0 : 1;
    const other = Math.abs(this.blend - 100) / 100;
    const end = this.ends === "sources" ? held.sources[i].values : held.estimates[i];
    const window = this.windows[held.names[i]];
    const fused = this.windows.fused;
    return (at) => GREY[(share(held.fused[at], fused) * (1 - other) + share(end[at], window) * other) | 0];
  }

  /** Name of the plane, and the range of its slices. */
  slices() {
    const axis = this.grid.arrayAxis[this.through];
    const count = this.grid.shape[axis];
    const up = this.grid.ascends[this.through];
    return { name: NAMES[this.through], count, axis, at: up ? this.voxel[axis] : count - 1 - this.voxel[axis] };
  }
}

/** First and last voxel of what is bright, along each axis, with a margin: the head without the black around it. */
function headBox({ shape, sources, fused }) {
  const values = sources[0]?.values ?? fused;
  const [low, high] = greyWindow(values);
  const limit = low + 0.05 * (high - low);
  const [least, most] = [[...shape], [-1, -1, -1]];
  const widen = (axis, place) => {
    if (place < least[axis]) least[axis] = place;
    if (place > most[axis]) most[axis] = place;
  };
  for (let z = 0, at = 0; z < shape[2]; z++) {
    for (let y = 0; y < shape[1]; y++) {
      for (let x = 0; x < shape[0]; x++, at++) {
        if (values[at] <= limit) continue;
        widen(0, x);
        widen(1, y);
        widen(2, z);
      }
    }
  }
  return shape.map((size, axis) => {
    if (most[axis] < least[axis]) return [0, size - 1];
    const margin = Math.ceil(0.06 * (most[axis] - least[axis] + 1));
    return [Math.max(0, least[axis] - margin), Math.min(size - 1, most[axis] + margin)];
  });
}

const middleOf = (box) => box.map(([least, most]) => Math.round((least + most) / 2));
