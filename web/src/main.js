/** The page: takes files, fuses or decomposes them, and shows and saves the results. */
import { BadInput } from "./bad_input.js";
import { embeddedFile, Engine } from "./engine/engine.js";
import { Cancelled } from "./engine/pool.js";
import { facts, displayName } from "./facts.js";
import { plan, roleOf } from "./input/assign.js";
import { readFused } from "./input/fused.js";
import { isPhantom, patientOfFused } from "./input/names.js";
import { checkTogether, patientOf, readSource } from "./input/sources.js";
import { checkSameGrid } from "./input/volume.js";
import { caseOfFused, caseOfSources, decomposeCase, fuseCase, meanScores, memoryOf } from "./process/case.js";
import { HIGHEST } from "./process/levels.js";
import { normaliseSlice } from "./process/normalise.js";
import { completeRecord, estimateFiles, fusedFiles } from "./process/results.js";
import { takeSlice } from "./process/slicing.js";
import { readRecord } from "./record/sidecar.js";
import { Controls } from "./view/controls.js";
import { archive, download } from "./view/save.js";
import { openThree } from "./view/three.js";
import { Viewer } from "./view/viewer.js";

const byId = (id) => document.getElementById(id);
const SAVES = ["save-all", "save-fused", "save-estimates"];
/** Memory that browsers give a page without fail. */
const MOST_MEMORY = 4 * 2 ** 30;

const viewer = new Viewer();
const controls = new Controls(viewer);
let engine;
let files = [];
/** Number of the present task; results of earlier ones are dropped. */
let current = 0;

const state = (name) => (document.documentElement.dataset.state = name);

// ---- messages ----------------------------------------------------------------------------------------------------

function complain(error) {
  byId("problem").textContent = error instanceof BadInput ? error.message : `This page failed: ${error?.message ?? error}`;
  byId("problem").hidden = false;
}

function clearMessages() {
  byId("problem").hidden = true;
  byId("warnings").hidden = true;
  byId("warnings").replaceChildren();
}

function warn(text) {
  const item = document.createElement("li");
  item.textContent = text;
  byId("warnings").append(item);
  byId("warnings").hidden = false;
}

function working(text, share = null) {
  byId("work").hidden = text === null;
  if (text === null) return;
  byId("work-text").textContent = text;
  if (share === null) byId("progress").removeAttribute("value");
  else byId("progress").value = share;
}

// ---- files -------------------------------------------------------------------------------------------------------

function listFiles() {
  const roles = [["", "which image?"], ...engine.sources.map((name) => [name, displayName(name)]), ["fused", "fused image"], ["record", "record"]];
  byId("chosen").hidden = !files.length;
  byId("list").replaceChildren(
    ...files.map((one) => {
      const item = document.createElement("li");
      const choice = document.createElement("select");
      choice.setAttribute("aria-label", `${one.file.name} is`);
      for (const [role, label] of roles) choice.add(new Option(label, role, false, role === one.role));
      choice.disabled = one.role === "record";
      choice.addEventListener("change", () => {
        // Two files cannot be one image: they change places.
        const other = choice.value && files.find((another) => another !== one && another.role === choice.value);
        if (other) other.role = one.role;
        one.role = choice.value;
        consider();
      });
      item.append(choice, document.createTextNode(one.file.name));
      return item;
    }),
  );
}

function take(chosen) {
  if (!chosen.length) return;
  clearMessages();
  // Files of another patient begin anew; those that are missing are added.
  if (!files.some(({ waiting }) => waiting)) files = [];
  try {
    for (const file of chosen) files.push({ file, role: roleOf(file, engine.sources) });
  } catch (error) {
    refuse(error);
    return;
  }
  consider();
}

/** Begin as soon as the files suffice; otherwise say what is missing. */
function consider() {
  clearMessages();
  listFiles();
  try {
    const { task, wanted } = plan(files, engine.sources);
    for (const one of files) one.waiting = task === null;
    if (wanted) warn(wanted);
    if (task) run(task);
    else halt();
  } catch (error) {
    refuse(error);
  }
}

/** Stop what is computed, and show nothing: images of earlier files would pass for those of the new ones. */
function halt() {
  current++;
  engine.stop();
  working(null);
  byId("main").hidden = true;
  state("stopped");
}

function refuse(error) {
  halt();
  files = [];
  listFiles();
  complain(error);
}

function forget() {
  halt();
  files = [];
  clearMessages();
  listFiles();
}

// ---- tasks -------------------------------------------------------------------------------------------------------

async function run(task) {
  const mine = ++current;
  engine.stop();
  state("busy");
  for (const id of SAVES) byId(id).disabled = true;
  working("Reading the files …");
  try {
    await new Promise((resolve) => setTimeout(resolve));
    const held = task === "fuse" ? await readSources() : await readFusedCase();
    if (mine !== current) return;
    show(held);
    await compute(task, held, mine);
    if (mine !== current) return;
    finish(held);
  } catch (error) {
    if (mine !== current) return;
    const short = error instanceof RangeError || (!(error instanceof BadInput) && /memory|allocat/i.test(error.message));
    refuse(short ? new BadInput(noMemory()) : error);
  }
}

const noMemory = () =>
  `this browser gives no memory for these images (${files.map(({ file }) => file.name).join(", ")}). Close other pages, crop or resample the images, or use the bundle itself.`;

const fileOf = (role) => files.find((one) => one.role === role)?.file;

async function readSources() {
  const sources = [];
  for (const name of engine.sources) sources.push(await readSource(fileOf(name), name, warn));
  checkTogether(sources, warn);
  checkMemory(sources[0]);
  return caseOfSources(patientOf(sources), sources);
}

async function readFusedCase() {
  const record = await readRecord(fileOf("record"));
  const fused = await readFused(fileOf("fused"), record, engine.checkpoint);
  if (record.SourceModalities.length !== engine.sources.length) {
    throw new BadInput(`${fused.file} has ${record.SourceModalities.length} sources, the network in this page ${engine.sources.length}. Use the bundle for it.`);
  }
  checkMemory(fused);
  const sources = [];
  if (engine.sources.every(fileOf)) {
    for (const name of engine.sources) sources.push(await readSource(fileOf(name), name, warn));
    checkTogether(sources, warn);
    checkSameGrid(fused, sources[0]);
    const others = sources.filter(({ file }) => !record.Sources.includes(file));
    if (others.length) {
      warn(
        `${fused.file} was fused from ${record.Sources.join(" and ")} by its record, not from ${others.map(({ file }) => file).join(" and ")}. ` +
          "Errors are shown to the images given here.",
      );
    }
  }
  const patient = patientOfFused(fused.file) ?? record.Patient ?? "patient";
  return caseOfFused(patient, fused, record, sources);
}

function checkMemory({ file, shape }) {
  const needed = memoryOf(shape);
  if (needed > MOST_MEMORY) {
    throw new BadInput(
      `${file} has ${shape.join(" x ")} voxels, which need ${(needed / 2 ** 30).toFixed(1)} GB in this page; browsers give about ` +
        `${MOST_MEMORY / 2 ** 30} GB. Crop or resample the volume, or use the bundle itself.`,
    );
  }
}

function show(held) {
  const phantom = isPhantom(held.patient);
  byId("main").hidden = false;
  byId("patient").textContent = held.patient;
  viewer.open(held, phantom && held.shape.join() === facts.phantomShape.join() ? facts.phantomStart : undefined);
  controls.open();
  tell(held);
}

/** Say what is shown, and how alike the images are. */
function tell(held) {
  const size = `${held.shape.join(" × ")} voxels of ${viewer.grid.sizes.map((value) => Number(value.toPrecision(3))).join(" × ")} mm`;
  const scores = held.record?.SSIM?.decomposed;
  const known = scores && held.names.every((name) => typeof scores[name] === "number");
  const alike = known ? `SSIM of the estimates: ${held.names.map((name, i) => `${held.labels[i]} ${scores[name].toFixed(3)}`).join(", ")}` : "";
  byId("facts").textContent = [isPhantom(held.patient) && "Digital phantom, not a patient", size, alike].filter(Boolean).join(" · ");
  byId("memory").textContent = `memory for this case: ${Math.ceil(memoryOf(held.shape) / 2 ** 20)} MB and about 150 MB for each worker`;
}

async function compute(task, held, mine) {
  working("Starting the network …", 0);
  const pool = task === "fuse" ? await engine.choose(firstSlice(held)) : engine.gpu || (await engine.processors());
  if (mine !== current) throw new Cancelled();
  byId("engine").textContent = engine.name;
  const count = held.cut.count;
  const verb = task === "fuse" ? "Fusing and decomposing" : "Decomposing";
  const begin = performance.now();
  let made = 0;
  // Slices near the one that is looked at come first.
  const next = (left) => {
    const { focus } = viewer;
    let best = null;
    for (const index of left) if (best === null || Math.abs(index - focus) < Math.abs(best - focus)) best = index;
    return best;
  };
  const done = (index) => {
    if (mine !== current) return;
    made++;
    const rest = ((performance.now() - begin) / made) * (count - made);
    working(`${verb}: slice ${made} of ${count}${made > 3 ? `, ${Math.ceil(rest / 1000)} s left` : ""}`, made / count);
    if (made === 1 || made === count || made % 16 === 0) controls.refresh();
    else if (index === viewer.focus) viewer.schedule();
  };
  await (task === "fuse" ? fuseCase : decomposeCase)(pool, held, { next, done });
  document.documentElement.dataset.seconds = ((performance.now() - begin) / 1000).toFixed(2);
}

/** The middle slice, to compare the graphics card with the processor. */
function firstSlice({ sources, cut }) {
  const image = new Float32Array(sources.length * cut.size);
  sources.forEach(({ values }, i) => normaliseSlice(takeSlice(values, cut, cut.count >> 1, image.subarray(i * cut.size, (i + 1) * cut.size))));
  return { image, height: cut.height, width: cut.width, highest: HIGHEST.uint16 };
}

function finish(held) {
  if (!held.record) completeRecord(held, engine.checkpoint);
  controls.refresh();
  tell(held);
  working(null);
  for (const id of SAVES) byId(id).disabled = id === "save-fused" && !held.scores;
  state("ready");
}

function cancel() {
  forget();
  warn("Cancelled. Nothing was saved. Choose files, or show the phantom.");
}

// ---- saving ------------------------------------------------------------------------------------------------------

async function save(id) {
  const { held } = viewer;
  const button = byId(id);
  button.disabled = true;
  try {
    // A fused image that was given is at hand already.
    const fused = id === "save-estimates" || !held.scores ? [] : await fusedFiles(held);
    const estimates = id === "save-fused" ? [] : await estimateFiles(held);
    const all = [...fused, ...estimates];
    if (id === "save-all") download(`${held.patient}.zip`, archive(held.patient, all));
    else for (const [name, content] of all) download(name, content);
  } catch (error) {
    complain(error);
  } finally {
    button.disabled = false;
  }
}

function showPhantom() {
  clearMessages();
  files = facts.phantomFiles.map(({ id, name, source }) => ({ file: embeddedFile(id, name), role: source }));
  consider();
}

// ---- the page ----------------------------------------------------------------------------------------------------

function listen() {
  const drop = byId("drop");
  byId("files").addEventListener("change", (event) => {
    take([...event.target.files]);
    event.target.value = "";
  });
  byId("phantom").addEventListener("click", showPhantom);
  byId("forget").addEventListener("click", forget);
  byId("cancel").addEventListener("click", cancel);
  byId("three").addEventListener("click", () => openThree(viewer));
  for (const id of SAVES) byId(id).addEventListener("click", () => save(id));
  for (const kind of ["dragover", "dragenter"]) {
    addEventListener(kind, (event) => {
      event.preventDefault();
      drop.classList.add("over");
    });
  }
  addEventListener("dragleave", (event) => event.relatedTarget === null && drop.classList.remove("over"));
  addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    take([...event.dataTransfer.files]);
  });
}

async function start() {
  const missing = ["WebAssembly", "DecompressionStream", "CompressionStream", "Worker"].filter((name) => !(name in window));
  if (missing.length) throw new BadInput(`this browser is too old for this page (no ${missing.join(", ")}). Use a browser of 2023 or later.`);
  engine = await Engine.open();
  listen();
  showPhantom();
}

start().catch((error) => {
  state("failed");
  complain(error);
});
