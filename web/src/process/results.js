/** The files of a case: fused image, record and estimates, named and labelled as the bundle writes them. */
import { writeNifti } from "../nifti/write.js";
import { makeRecord } from "../record/sidecar.js";
import { recordText } from "../record/python_json.js";
import { asType, HIGHEST, unitLevels } from "./levels.js";
import { DTYPE, LATENT, meanScores } from "./case.js";

/** Complete the record of a case that was fused here. */
export function completeRecord(held, checkpoint) {
  held.record = makeRecord({ ...held, dtype: DTYPE, latentKind: LATENT, checkpoint, ssim: meanScores(held) });
}

/** Name and content of the fused image and of its record. */
export async function fusedFiles(held) {
  const { patient, shape, affine, coordinates: like, record } = held;
  const descrip = `FusionINN fused, research use only, id ${record.FusionID}`;
  const image = await writeNifti(unitLevels(held.fused, DTYPE), {
    dtype: DTYPE, shape, affine, like, slope: 1 / HIGHEST[DTYPE], descrip,
  });
  return [
    [`${patient}_fused.nii.gz`, image],
    [`${patient}_fused.json`, new TextEncoder().encode(recordText(record))],
  ];
}

/** Name and content of each estimate, in its source's own units and type. */
export function estimateFiles(held) {
  const { patient, names, dtypes, shape, affine, coordinates: like } = held;
  return Promise.all(
    held.estimates.map(async (volume, i) => {
      const descrip = `FusionINN ESTIMATED ${names[i]}, research use only`;
      const content = await writeNifti(asType(volume, dtypes[i]), { dtype: dtypes[i], shape, affine, like, descrip });
      return [`${patient}_${names[i]}_decomposed.nii.gz`, content];
    }),
  );
}
