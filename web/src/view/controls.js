/** Slider, planes, window, values and keys: what the user moves, and what is told about the crosshair. */

const byId = (id) => document.getElementById(id);

const written = (value, span) => {
  const decimals = span > 20 ? 0 : Math.min(6, Math.max(0, Math.ceil(3 - Math.log10(span))));
  return value.toLocaleString("en", { minimumFractionDigits: decimals, maximumFractionDigits: decimals }).replace("-", "−");
};

export class Controls {
  /** @param {Viewer} viewer what is controlled. */
  constructor(viewer) {
    this.viewer = viewer;
    viewer.onMove = () => this.locate();
    byId("blend").addEventListener("input", (event) => this.blendTo(Number(event.target.value)));
    for (const [side, value] of [["left", 0], ["middle", 100], ["right", 200]]) {
      byId(`end-${side}`).addEventListener("click", () => this.blendTo(value));
    }
    byId("slice").addEventListener("input", (event) => viewer.step(Number(event.target.value) - viewer.slices().at));
    this.choose("planes", (button) => {
      viewer.through = Number(button.dataset.plane);
      viewer.schedule();
      this.locate();
    });
    this.choose("kinds", (button) => {
      viewer.ends = button.dataset.kind;
      this.describe();
      viewer.schedule();
    });
    byId("crosshair").addEventListener("click", (event) => {
      viewer.crosshair = !viewer.crosshair;
      event.target.setAttribute("aria-pressed", String(viewer.crosshair));
      viewer.schedule();
    });
    byId("window-of").addEventListener("change", () => this.describeWindow());
    for (const id of ["level", "width"]) byId(id).addEventListener("input", () => this.changeWindow());
    byId("window-reset").addEventListener("click", () => {
      viewer.touched.clear();
      Object.assign(viewer.windows, viewer.usual);
      viewer.refresh();
      this.describeWindow();
    });
    byId("stage").addEventListener("keydown", (event) => this.key(event));
  }

  choose(id, act) {
    const buttons = byId(id).querySelectorAll("button");
    for (const button of buttons) {
      button.addEventListener("click", () => {
        for (const one of buttons) one.setAttribute("aria-pressed", String(one === button));
        act(button);
      });
    }
  }

  /** Take over a case that the viewer shows. */
  open() {
    const { held } = this.viewer;
    byId("blend").value = 100;
    byId("end-left").textContent = held.labels[0];
    byId("end-right").textContent = held.labels[1];
    byId("kinds").hidden = !held.sources.length;
    for (const button of byId("kinds").querySelectorAll("button")) {
      button.setAttribute("aria-pressed", String(button.dataset.kind === "estimates"));
    }
    byId("window-of").replaceChildren(new Option("Fused", "fused"), ...held.names.map((name, i) => new Option(held.labels[i], name)));
    byId("window-of").value = held.names[0];
    this.makeTable();
    this.describe();
    this.describeWindow();
    this.locate();
  }

  /** Show what is computed by now. */
  refresh() {
    this.viewer.refresh();
    this.describeWindow();
    this.locate();
  }

  blendTo(value) {
    this.viewer.blend = Math.min(Math.max(value, 0), 200);
    byId("blend").value = this.viewer.blend;
    this.describe();
    this.viewer.schedule();
  }

  describe() {
    const { blend, held, ends } = this.viewer;
    const label = held.labels[blend < 100 ? 0 : 1];
    const other = Math.round(Math.abs(blend - 100));
    byId("large-name").textContent = other === 0 ? "Fused" : other === 100 ? label : `${100 - other} % fused, ${other} % ${label}`;
    byId("large-estimated").hidden = other === 0 || ends !== "estimates";
    const note = {
      estimates: "Both ends are estimated from the fused image alone.",
      sources: "Both ends are the sources themselves.",
    };
    byId("blend-note").textContent = note[ends];
    byId("blend").setAttribute("aria-valuetext", byId("large-name").textContent);
  }

  describeWindow() {
    const { viewer } = this;
    const name = byId("window-of").value;
    const [low, high] = viewer.windows[name];
    const [least, most] = viewer.usual[name];
    const span = Math.max(most - least, 1e-6);
    const set = (id, from, to, value, text) => {
      const input = byId(id);
      [input.min, input.max, input.step, input.value] = [from, to, span / 1000, value];
      byId(`${id}-value`).textContent = text;
      input.setAttribute("aria-valuetext", text);
    };
    set("level", least, least + 1.3 * span, (low + high) / 2, written((low + high) / 2, span));
    set("width", span / 200, 1.6 * span, high - low, `${written(low, span)} to ${written(high, span)}`);
  }

  changeWindow() {
    const { viewer } = this;
    const name = byId("window-of").value;
    const [level, width] = [Number(byId("level").value), Number(byId("width").value)];
    viewer.windows[name] = [level - width / 2, level + width / 2];
    viewer.touched.add(name);
    this.describeWindow();
    viewer.schedule();
  }

  makeTable() {
    const { held } = this.viewer;
    const kinds = held.sources.length ? ["Source", "ESTIMATED", "Error"] : ["ESTIMATED"];
    const cell = (row, kind, text, scope) => {
      const made = document.createElement(kind);
      made.textContent = text;
      if (scope) made.scope = scope;
      row.append(made);
      return made;
    };
    const table = byId("values");
    table.replaceChildren();
    const head = table.createTHead().insertRow();
    for (const text of ["", ...kinds]) cell(head, "th", text, "col");
    const body = table.createTBody();
    this.cells = held.names.map((_, i) => {
      const row = body.insertRow();
      cell(row, "th", held.labels[i], "row");
      return kinds.map(() => cell(row, "td", "–"));
    });
    const row = body.insertRow();
    cell(row, "th", "Fused", "row");
    this.fusedCell = cell(row, "td", "–");
    if (kinds.length > 1) row.insertCell().colSpan = kinds.length - 1;
  }

  /** Say where the crosshair is, and the values there. */
  locate() {
    const { viewer } = this;
    const { held, voxel, grid } = viewer;
    const { name, count, at } = viewer.slices();
    const slider = byId("slice");
    [slider.max, slider.value] = [count - 1, at];
    byId("slice-name").textContent = `${name} slice`;
    byId("slice-value").textContent = `${at + 1} of ${count}`;
    byId("place").textContent = `Voxel ${voxel.join(", ")} · ${grid.words(voxel)} mm`;
    const index = grid.index(voxel);
    const known = held.ready[viewer.focus];
    held.names.forEach((source, i) => {
      const [low, high] = viewer.windows[source];
      const estimate = held.estimates[i][index];
      const original = held.sources[i]?.values[index];
      const computed = held.sources.length ? [estimate, Math.abs(estimate - original)] : [estimate];
      const values = [...(held.sources.length ? [original] : []), ...computed.map((value) => (known ? value : null))];
      values.forEach((value, column) => {
        this.cells[i][column].textContent = value === null ? "–" : written(value, high - low);
      });
    });
    this.fusedCell.textContent = known ? held.fused[index].toFixed(4) : "–";
  }

  key(event) {
    if (event.ctrlKey || event.altKey || event.metaKey || !this.viewer.held) return;
    const { viewer } = this;
    const up = { ArrowUp: 1, ArrowDown: -1 }[event.key];
    const right = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const [across, down] = viewer.grid.onScreen(viewer.through);
    if (event.key === "Home") viewer.moveTo([...viewer.home]);
    // Both axes of the screen descend: the patient's right, or the nose, is on the left.
    else if (event.shiftKey && up) viewer.moveTo(viewer.grid.moved(viewer.voxel, down, up));
    else if (event.shiftKey && right) viewer.moveTo(viewer.grid.moved(viewer.voxel, across, -right));
    else if (up) viewer.step(up);
    else if (right) this.blendTo(viewer.blend + 5 * right);
    else return;
    event.preventDefault();
  }
}
