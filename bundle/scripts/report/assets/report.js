"use strict";

(() => {
  const byId = (id) => document.getElementById(id);
  const about = JSON.parse(byId("data").textContent);
  const KIND_NAMES = { source: "Source", estimate: "Decomposed (ESTIMATED)", here: "Decomposed here (ESTIMATED)", error: "Error", uncertainty: "Expected error" };
  const PLANES = ["Axial", "Coronal", "Sagittal", "All three"];
  // Anatomical axis (0: left-right, 1: back-front, 2: feet-head) that a plane is cut across.
  const THROUGH = [2, 1, 0, 2];
  const DIRECTIONS = [["L", "R"], ["P", "A"], ["I", "S"]];
  const GREY = { R: [0, 255], G: [0, 255], B: [0, 255], A: [255, 255], I: [0, 255] };
  const HEAT = {
    R: [0, 40, 101, 159, 212, 245, 250, 252],
    G: [0, 11, 21, 42, 72, 125, 193, 255],
    B: [4, 84, 110, 99, 66, 21, 39, 164],
    A: Array(8).fill(255),
    I: [0, 36, 73, 109, 146, 182, 219, 255],
  };
  // By NIfTI's datatype.
  const ARRAYS = { 2: Uint8Array, 4: Int16Array, 512: Uint16Array };
  const HEADER = 352;
  const CROSSHAIR_PIXELS = 1.5;

  const state = { kind: about.kinds[0], left: 0, right: Math.min(1, about.sources.length - 1), plane: 0, blend: 100 };
  const windows = {};
  const files = {};
  const images = {};
  let viewer;
  // Width of its lines in millimetres.
  let crosshair;
  let pending = false;

  // ---- volumes -------------------------------------------------------------------------------------------------

  function bytes(base64) {
    if (Uint8Array.fromBase64) return Uint8Array.fromBase64(base64);
    const letters = atob(base64);
    const found = new Uint8Array(letters.length);
    for (let at = 0; at < letters.length; at++) found[at] = letters.charCodeAt(at);
    return found;
  }

  async function unpack(name) {
    const element = byId(`volume-${name}`);
    const packed = bytes(element.textContent);
    element.remove();
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Response(stream).arrayBuffer();
  }

  // A NIfTI file of the page, unpacked once, and the value of each of its voxels.
  async function file(name) {
    files[name] ??= unpack(name).then((buffer) => {
      const header = new DataView(buffer, 0, HEADER);
      const [slope, offset] = [header.getFloat32(112, true), header.getFloat32(116, true)];
      const voxels = new ARRAYS[header.getInt16(70, true)](buffer, HEADER);
      return { buffer, read: (at) => slope * voxels[at] + offset };
    });
    return files[name];
  }

  // The absolute error is computed here, from what is shown of both.
  async function errorFile(source) {
    const name = `error-${source}`;
    files[name] ??= Promise.all([file(`source-${source}`), file(`estimate-${source}`)]).then(([one, other]) => {
      const { buffer, voxels } = likeFile(one);
      for (let at = 0; at < voxels.length; at++) voxels[at] = Math.abs(other.read(at) - one.read(at));
      return { buffer };
    });
    return files[name];
  }

  // An empty NIfTI file of 32-bit floats on the grid of another.
  function likeFile(one) {
    const count = about.shape.reduce((a, b) => a * b);
    const buffer = new ArrayBuffer(HEADER + 4 * count);
    new Uint8Array(buffer).set(new Uint8Array(one.buffer, 0, HEADER));
    const header = new DataView(buffer, 0, HEADER);
    header.setInt16(70, 16, true);
    header.setInt16(72, 32, true);
    header.setFloat32(112, 1, true);
    header.setFloat32(116, 0, true);
    return { buffer, voxels: new Float32Array(buffer, HEADER, count) };
  }

  // Volumes that were computed in the page: shown like those that came with it.
  async function addKind(kind, volumes) {
    const one = await file("fused");
    for (const [source, values] of Object.entries(volumes)) {
      const name = `${kind}-${source}`;
      const { buffer, voxels } = likeFile(one);
      voxels.set(values);
      files[name] = Promise.resolve({ buffer, read: (at) => voxels[at] });
      const like = about.volumes[`estimate-${source}`] ?? about.volumes[`source-${source}`];
      about.volumes[name] = { ...like, kind, source };
    }
    about.kinds.push(kind);
    addKindButton(kind);
  }

  async function valueAt(name, at) {
    const { kind, source } = about.volumes[name];
    if (kind !== "error") return (await file(name)).read(at);
    const [one, other] = await Promise.all([file(`source-${source}`), file(`estimate-${source}`)]);
    return Math.abs(other.read(at) - one.read(at));
  }

  const opened = (name) => (about.volumes[name].kind === "error" ? errorFile(about.volumes[name].source) : file(name));

  async function image(name) {
    images[name] ??= opened(name).then(async ({ buffer }) => {
      const made = await niivue.NVImage.new(buffer.slice(0), `${name}.nii`, isHot(name) ? "errors" : "greys");
      made.colormap = isHot(name) ? "errors" : "greys";
      return made;
    });
    return images[name];
  }

  const isHot = (name) => ["error", "uncertainty"].includes(about.volumes[name].kind);

  // A source and its estimate share a window, all errors of a source another.
  const windowKey = (name) => {
    const { kind, source } = about.volumes[name];
    return kind === "fused" ? "fused" : `${isHot(name) ? "error" : "grey"}-${source}`;
  };

  function windowOf(name) {
    return (windows[windowKey(name)] ??= [...about.volumes[name].window]);
  }

  // ---- what is shown -------------------------------------------------------------------------------------------

  function endName(side) {
    const name = `${state.kind}-${about.sources[state[side]].name}`;
    return name in about.volumes ? name : null;
  }

  function words(name) {
    const { label, kind } = about.volumes[name];
    return { fused: "Fused", source: label, estimate: `${label} (ESTIMATED)`, here: `${label} decomposed here (ESTIMATED)`, error: `${label} error`, uncertainty: `${label} expected error` }[kind];
  }

  const overlayName = () => endName(state.blend <= 100 ? "left" : "right") ?? endName("left") ?? endName("right");
  const overlayShare = () => Math.abs(state.blend - 100) / 100;
  const dominant = () => (overlayShare() >= 0.5 ? overlayName() : "fused");

  function adjust(made, name) {
    const [low, high] = windowOf(name);
    const changed = made.cal_min !== low || made.cal_max !== high;
    made.cal_min = low;
    made.cal_max = high;
    return changed;
  }

  let showing = [];

  // Load the layers that the slider needs, and draw. Moving the slider within a half changes one number only.
  async function show() {
    const names = ["fused", overlayName()];
    const layers = await Promise.all(names.map(image));
    if (names[1] !== overlayName()) return;
    const changed = layers.map((layer, i) => adjust(layer, names[i])).some(Boolean);
    if (changed || names.join() !== showing.join()) {
      showing = names;
      viewer.volumes = layers;
      viewer.back = layers[0];
      viewer.overlays = layers.slice(1);
      viewer.updateGLVolume();
    }
    viewer.overlayAlphaShader = overlayShare();
    viewer.drawScene();
    describe();
  }

  function schedule() {
    if (pending) return;
    pending = true;
    requestAnimationFrame(() => {
      pending = false;
      show();
    });
  }

  function describe() {
    const [name, share] = [overlayName(), overlayShare()];
    const percent = Math.round(100 * share);
    const parts = share === 0 ? "Fused" : share === 1 ? words(name) : `${percent} % ${words(name)} over ${100 - percent} % fused`;
    byId("shown").textContent = `${parts} · ${PLANES[state.plane]}`;
    byId("blend").setAttribute("aria-valuetext", parts);
    byId("estimated").hidden = !(["estimate", "here"].includes(about.volumes[name].kind) && share > 0);
    const hot = isHot(name) && share > 0;
    byId("scale").hidden = !hot;
    if (hot) {
      const [low, high] = windowOf(name);
      byId("scale-low").textContent = written(name, low);
      byId("scale-high").textContent = `${written(name, high)} in units of ${about.volumes[name].label}`;
    }
    for (const [side, value] of [["left", 0], ["middle", 100], ["right", 200]]) {
      byId(`end-${side}`).setAttribute("aria-pressed", String(state.blend === value));
    }
    describeWindow();
  }

  // ---- window and level ----------------------------------------------------------------------------------------

  function describeWindow() {
    const name = dominant();
    const { low, high: most, window: usual } = about.volumes[name];
    // A few large errors would leave the sliders no room for the usual ones.
    const high = isHot(name) ? Math.min(most, 4 * usual[1]) : most;
    const [bottom, top] = windowOf(name);
    byId("window-of").textContent = words(name);
    const span = Math.max(high - low, 1e-6);
    const set = (id, least, most, value, shown) => {
      const input = byId(id);
      [input.min, input.max, input.step, input.value] = [least, most, span / 1000, value];
      byId(`${id}-value`).textContent = shown;
      input.setAttribute("aria-valuetext", shown);
    };
    set("level", low, high, (bottom + top) / 2, written(name, (bottom + top) / 2));
    set("width", span / 200, 1.5 * span, top - bottom, `${written(name, top - bottom)}: ${written(name, bottom)} to ${written(name, top)}`);
  }

  function changeWindow(level, width) {
    const [low, high] = [level - width / 2, level + width / 2];
    windows[windowKey(dominant())] = [low, high];
    schedule();
  }

  // ---- place ---------------------------------------------------------------------------------------------------

  function written(name, value) {
    const { decimals } = about.volumes[name];
    return value.toLocaleString("en", { minimumFractionDigits: decimals, maximumFractionDigits: decimals }).replace("-", "−");
  }

  // Voxel [i, j, k] of the files that lies at a place in millimetres.
  function voxelAt(mm) {
    const point = [mm[0], mm[1], mm[2], 1];
    return about.inverse.slice(0, 3).map((row, axis) => {
      const place = Math.round(row.reduce((sum, factor, i) => sum + factor * point[i], 0));
      return Math.min(Math.max(place, 0), about.shape[axis] - 1);
    });
  }

  const millimetres = () => Array.from(viewer.frac2mm(viewer.scene.crosshairPos, 0, true)).slice(0, 3);

  function moveTo(fraction) {
    viewer.scene.crosshairPos = fraction;
    viewer.drawScene();
    locate();
  }

  // Move by whole voxels along the anatomical axes.
  function moveBy(steps) {
    const voxel = Array.from(viewer.frac2vox(viewer.scene.crosshairPos));
    const size = viewer.back.dimsRAS.slice(1, 4);
    moveTo(viewer.vox2frac(voxel.map((at, axis) => Math.min(Math.max(at + steps[axis], 0), size[axis] - 1))));
  }

  function along(axis, amount) {
    const steps = [0, 0, 0];
    steps[axis] = amount;
    moveBy(steps);
  }

  function home() {
    // The voxel's place among those of the viewer, whose axes ascend to the right, front and head.
    const flipped = viewer.back.dimsRAS.slice(1, 4).map((size, axis) => {
      const at = about.start[about.axes[axis]];
      const step = about.inverse[about.axes[axis]][axis];
      return step < 0 ? size - 1 - at : at;
    });
    moveTo(viewer.vox2frac(flipped));
  }

  async function locate() {
    const mm = millimetres();
    const voxel = voxelAt(mm);
    const axis = THROUGH[state.plane];
    const slider = byId("slice");
    slider.max = viewer.back.dimsRAS[1 + axis] - 1;
    slider.value = viewer.frac2vox(viewer.scene.crosshairPos)[axis];
    const array = about.axes[axis];
    const place = `${"xyz"[axis]} ${mm[axis].toFixed(0).replace("-", "−")} mm`;
    const told = `${voxel[array] + 1} of ${about.shape[array]} · ${place}`;
    byId("slice-value").textContent = told;
    slider.setAttribute("aria-valuetext", told);
    byId("slice-name").textContent = `${PLANES[state.plane === 3 ? 0 : state.plane]} slice`;
    const side = mm.map((value, i) => `${DIRECTIONS[i][value < 0 ? 0 : 1]} ${Math.abs(value).toFixed(1)}`);
    byId("place").textContent = `Voxel ${voxel.join(", ")} · ${side.join(", ")} mm${await segmentNear(voxel)}`;
    await fillValues(voxel);
  }

  const indexOf = ([i, j, k]) => i + about.shape[0] * (j + about.shape[1] * k);

  async function segmentNear(voxel) {
    if (about.segments.length === 0) return "";
    const label = (await file(about.outline)).read(indexOf(voxel));
    const found = about.segments.find((segment) => segment.label === label);
    return found ? ` · in ${found.name}` : "";
  }

  async function fillValues(voxel) {
    const at = indexOf(voxel);
    for (const cell of byId("values").querySelectorAll("[data-volume]")) {
      const name = cell.dataset.volume;
      cell.textContent = written(name, await valueAt(name, at));
    }
  }

  // ---- the page ------------------------------------------------------------------------------------------------

  function makeValuesTable() {
    const table = byId("values");
    const kinds = about.kinds;
    const head = table.createTHead().insertRow();
    const heading = (text, scope, row) => {
      const cell = document.createElement("th");
      [cell.scope, cell.textContent] = [scope, text];
      row.append(cell);
    };
    heading("Image", "col", head);
    for (const kind of kinds) heading({ ...KIND_NAMES, estimate: "ESTIMATED" }[kind], "col", head);
    const body = table.createTBody();
    const cell = (row, name) => {
      const made = row.insertCell();
      if (name in about.volumes) made.dataset.volume = name;
      made.textContent = "–";
    };
    for (const { name, label } of about.sources) {
      const row = body.insertRow();
      heading(label, "row", row);
      for (const kind of kinds) cell(row, `${kind}-${name}`);
    }
    const row = body.insertRow();
    heading("Fused", "row", row);
    cell(row, "fused");
    row.cells[1].dataset.volume = "fused";
    if (kinds.length > 1) {
      row.insertCell().colSpan = kinds.length - 1;
    }
  }

  function nameSegments() {
    for (const { name, colour } of about.segments) {
      const [entry, mark] = [document.createElement("li"), document.createElement("i")];
      mark.style.borderColor = colour;
      entry.append(mark, name);
      byId("segments").append(entry);
    }
    byId("segments").hidden = about.segments.length === 0;
    if (about.segments.length > 1) byId("outline").textContent = "Outlines of the lesion";
  }

  function press(group, chosen) {
    for (const button of group.querySelectorAll("button")) button.setAttribute("aria-pressed", String(button === chosen));
  }

  function label() {
    for (const side of ["left", "right"]) {
      const name = endName(side);
      const button = byId(`end-${side}`);
      button.textContent = about.sources[state[side]].label;
      button.disabled = name === null;
      if (name !== null) button.setAttribute("aria-label", words(name));
    }
  }

  function blendTo(value) {
    state.blend = Math.min(Math.max(value, 0), 200);
    if (overlayName() !== null && endName(state.blend < 100 ? "left" : "right") === null) state.blend = 100;
    byId("blend").value = state.blend;
    schedule();
  }

  function choosePlane(plane) {
    state.plane = plane;
    viewer.setSliceType(plane);
    locate();
    describe();
  }

  function addKindButton(kind) {
    const kinds = byId("kinds");
    const button = document.createElement("button");
    [button.type, button.textContent, button.dataset.kind] = ["button", KIND_NAMES[kind], kind];
    button.setAttribute("aria-pressed", String(kind === state.kind));
    button.addEventListener("click", () => {
      state.kind = kind;
      press(kinds, button);
      label();
      // Errors have no middle: look at the first of them.
      if (state.blend === 100) blendTo(0);
      schedule();
    });
    kinds.append(button);
  }

  function makeControls() {
    for (const kind of about.kinds) addKindButton(kind);
    for (const button of byId("planes").querySelectorAll("button")) {
      button.addEventListener("click", () => {
        press(byId("planes"), button);
        choosePlane(Number(button.dataset.plane));
      });
    }
    byId("blend").addEventListener("input", (event) => blendTo(Number(event.target.value)));
    for (const [side, value] of [["left", 0], ["middle", 100], ["right", 200]]) {
      byId(`end-${side}`).addEventListener("click", () => blendTo(value));
    }
    byId("slice").addEventListener("input", (event) => {
      const axis = THROUGH[state.plane];
      along(axis, Number(event.target.value) - viewer.frac2vox(viewer.scene.crosshairPos)[axis]);
    });
    const levelAndWidth = () => changeWindow(Number(byId("level").value), Number(byId("width").value));
    byId("level").addEventListener("input", levelAndWidth);
    byId("width").addEventListener("input", levelAndWidth);
    byId("window-reset").addEventListener("click", () => {
      for (const key of Object.keys(windows)) delete windows[key];
      schedule();
    });
    const toggle = (id, act) => {
      const button = byId(id);
      button.addEventListener("click", () => {
        const on = button.getAttribute("aria-pressed") !== "true";
        button.setAttribute("aria-pressed", String(on));
        act(on);
      });
    };
    toggle("crosshair", (on) => viewer.setCrosshairWidth(on ? crosshair : 0));
    toggle("outline", (on) => {
      viewer.drawRimOpacity = on ? 1 : 0;
      byId("segments").hidden = !on || about.segments.length === 0;
      viewer.drawScene();
    });
    if (about.sources.length > 2) {
      byId("choose").hidden = false;
      for (const side of ["left", "right"]) {
        const list = byId(`choose-${side}`);
        about.sources.forEach((source, i) => list.add(new Option(source.label, i, false, i === state[side])));
        list.addEventListener("change", () => {
          state[side] = Number(list.value);
          label();
          schedule();
        });
      }
    }
  }

  // The picture's own keys come before those of NiiVue, which differ from plane to plane.
  function listen() {
    const picture = byId("picture");
    const canvas = byId("canvas");
    canvas.setAttribute("role", "application");
    canvas.setAttribute("aria-label", "Slices of the volumes");
    canvas.setAttribute("aria-describedby", "help");
    const inPlane = () => [0, 1, 2].filter((axis) => axis !== THROUGH[state.plane]);
    const act = (event) => {
      const up = { ArrowUp: 1, ArrowDown: -1 }[event.key];
      const right = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      const [across, upright] = inPlane();
      if (event.key === "Home") return home() ?? true;
      if (event.shiftKey && up) return along(upright, up) ?? true;
      // The patient's right is on the left; in a sagittal slice the nose is.
      if (event.shiftKey && right) return along(across, -right) ?? true;
      if (up) return along(THROUGH[state.plane], up) ?? true;
      if (right) return blendTo(state.blend + 5 * right) ?? true;
      return false;
    };
    picture.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.altKey || event.metaKey) return;
      event.stopPropagation();
      if (act(event)) event.preventDefault();
    }, true);
    for (const kind of ["keyup", "dblclick", "drop", "dragover"]) {
      picture.addEventListener(kind, (event) => event.stopPropagation(), true);
    }
  }

  async function start() {
    document.documentElement.dataset.state = "loading";
    for (const part of document.querySelectorAll("main > section")) part.hidden = false;
    byId("missing").hidden = true;
    byId("still-details").open = false;
    label();
    makeControls();
    makeValuesTable();
    nameSegments();
    const { clientWidth, clientHeight } = byId("picture");
    crosshair = (CROSSHAIR_PIXELS * about.extent) / Math.min(clientWidth, clientHeight);
    viewer = new niivue.Niivue({
      backColor: [0, 0, 0, 1],
      crosshairColor: [0.35, 0.78, 1, 0.85],
      crosshairWidth: crosshair,
      crosshairWidthUnit: "mm",
      crosshairGap: 10 * crosshair,
      fontMinPx: 15,
      fontColor: [0.82, 0.85, 0.88, 1],
      dragAndDropEnabled: false,
      dragMode: 0,
      isForceMouseClickToVoxelCenters: true,
      isRadiologicalConvention: true,
      sagittalNoseLeft: true,
      showAllOrientationMarkers: true,
      multiplanarShowRender: 0,
      multiplanarPadPixels: 6,
      sliceType: 0,
      logLevel: "error",
      viewModeHotKey: "",
      clipPlaneHotKey: "",
      cycleClipPlaneHotKey: "",
      loadingText: "",
    });
    viewer.addColormap("greys", GREY);
    viewer.addColormap("errors", HEAT);
    await viewer.attachToCanvas(byId("canvas"), false);
    listen();
    viewer.onLocationChange = locate;
    await show();
    viewer.setCustomSliceShader(byId("shader").textContent.trim());
    viewer.drawRimOpacity = about.outline ? 1 : 0;
    if (about.outline) {
      byId("outline").hidden = false;
      const { buffer } = await file(about.outline);
      viewer.loadDrawing(await niivue.NVImage.new(buffer.slice(0), "outline.nii"));
    }
    byId("loading").hidden = true;
    home();
    document.documentElement.dataset.state = "ready";
  }

  function giveUp(reason) {
    document.documentElement.dataset.state = "static";
    byId("missing").textContent = `The viewer cannot run here: ${reason}. The slices below stand in for it.`;
    byId("missing").hidden = false;
    byId("still-details").open = true;
  }

  // What `verify.js` builds on, where the page can decompose.
  globalThis.report = { about, bytes, file, addKind };

  // NiiVue asks for this very context later: making another takes as long again.
  if (!byId("canvas").getContext("webgl2", { alpha: true, antialias: false })) giveUp("this browser has no WebGL 2, or it is switched off");
  else if (typeof DecompressionStream === "undefined") giveUp("this browser is too old to unpack the volumes");
  else start().catch((error) => giveUp(error.message || String(error)));
})();
