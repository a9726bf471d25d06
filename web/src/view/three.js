/** All planes and the volume in three dimensions, by NiiVue; needs WebGL 2. */
import { Niivue, NVImage } from "@niivue/niivue";
import { asType } from "../process/levels.js";
import { placeOf } from "../nifti/matrix.js";
import { writeNifti } from "../nifti/write.js";

const byId = (id) => document.getElementById(id);
let viewer = null;

/** Images of a case by name: label, values and grey window. */
function images({ held, windows }) {
  const list = [["fused", "Fused", held.fused, windows.fused]];
  held.names.forEach((name, i) => {
    if (held.sources[i]) list.push([`source-${name}`, held.labels[i], held.sources[i].values, windows[name]]);
    list.push([`estimate-${name}`, `${held.labels[i]} (ESTIMATED)`, held.estimates[i], windows[name]]);
  });
  return list;
}

async function show(shown) {
  const { held } = shown;
  const [name, , values, [low, high]] = images(shown).find(([one]) => one === byId("three-of").value);
  const { shape, affine, coordinates: like } = held;
  const bytes = await writeNifti(asType(values, "float32"), { dtype: "float32", shape, affine, like, descrip: "research use only" });
  const image = await NVImage.new(bytes.buffer, `${name}.nii.gz`, "gray");
  [image.cal_min, image.cal_max] = [low, high];
  viewer.volumes.length = 0;
  viewer.addVolume(image);
  viewer.scene.crosshairPos = viewer.mm2frac(placeOf(affine, shown.voxel));
  viewer.drawScene();
}

/** Open the dialog for what a viewer shows. */
export async function openThree(shown) {
  const dialog = byId("three-dialog");
  const problem = byId("three-problem");
  problem.hidden = true;
  dialog.showModal();
  byId("three-of").replaceChildren(...images(shown).map(([name, label]) => new Option(label, name)));
  try {
    if (!viewer) {
      if (!byId("three-canvas").getContext("webgl2", { alpha: true, antialias: true })) {
        throw new Error("this browser has no WebGL 2, or it is switched off");
      }
      viewer = new Niivue({
        backColor: [0, 0, 0, 1],
        dragAndDropEnabled: false,
        isRadiologicalConvention: true,
        sagittalNoseLeft: true,
        showAllOrientationMarkers: true,
        multiplanarShowRender: 1,
        crosshairColor: [0.35, 0.78, 1, 0.85],
        logLevel: "error",
        loadingText: "",
      });
      await viewer.attachToCanvas(byId("three-canvas"), true);
      viewer.setSliceType(3);
    }
    byId("three-of").onchange = () => show(shown);
    await show(shown);
  } catch (error) {
    problem.textContent = `The 3-D view cannot run here: ${error.message}. The slices work without it.`;
    problem.hidden = false;
  }
}
