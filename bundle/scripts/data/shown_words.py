"""Keep only imaging terms of a free text, since any other word may be a name."""

from __future__ import annotations

import re

UNKNOWN = "…"
_PARTS = re.compile(r"[^\W\d_]+|\d+")
_MOST_DIGITS = 5
_PSEUDONYM = re.compile(r"study-[0-9a-f]{10}")
"""Study description written by this bundle."""

_IMAGING = """
abdomen acquisition adc agent and angio ap apparent asl asset average ax axial bilddaten blade body bold brain bravo
calib calibration cavity cbf cbv ce cerebral cervical ciss clariscan coefficient coil colfa com composed contrast
control cor core coronal cow csi ct cube cyst dark data db dce dcm default derived dicom dicomdir diff diffusion
diffusionskoeff dir dis dist dixon dota dotarem drive dsc dsi dti dtpa dyn dynamic echo edema enhanced enhancing ep
epi estimate estimated export fa fast fat ffe fgre field fiesta file files flair flow fluid fmri fov frfse fs fse
fspgr fused fusioninn gad gadavist gado gadobenate gadobutrol gadodiamide gadopentetate gadoterate gadoteridol
gadovist gadoxetate gd ge glioblastoma glioma grappa gre haemorrhage hals haste head hemo hemorrhage high hires hirn
html hyperintensities hyperintensity ima image images img in infiltrating infiltration inhance inj inv inversion ir
irfse irm iso isotrop isotropic json kein km kontrast kontrastmittel kopf kspace lat lesion lesions loc localiser
localizer long low lr mag magnevist magnitude map mask medic medium meningioma metastases metastasis min mini mip mit
mm mosaic motion mp mpr mprage mr mra mri mrs mrv mtt multi multihance nativ native nd neck necrosis necrotic neoplasm
neuro no non none nonenhancing norm not nr obl oblique oedema off ohne omniscan on orig original ortho out output
overview patient patients pca pcasl pd pdw perf perfusion phantom phase phasen plane plus post pre primary primovist
prohance projection propeller proton pseudo pwi rage raw rcbf rcbv real ref reference reformat registered report
resection resolve rest resting result results rot rotation rsfmri sag sagittal sat save scan schädel scout screen
secondary segment segmentation segmentations segments sense seq sequence series set shim shot single slice slices sms
snapshot soft space spair spc spectro spgr spin spine spir spoiled std stealth stir structural studies study sub
subtraction supp suppression survey susceptibility swan swi swip tensor test tfe tfl thick thin three time tir tirm
tof tra trace tracew trans transversal transverse trufi tse ttp tumor tumors tumour tumours turbo two uni us vasovist
vd venobold vibe view vista vol volume water weighted whole wip with without yes
"""
"""Words for sequences, planes, body parts, contrast agents, lesions and exports, in the vendors' languages."""
_WORDS = frozenset(_IMAGING.split())


def shown_words(text: str) -> str:
    """Return a free text with every word that is not an imaging term replaced by "…".

    Args:
        text: for instance the description of a series: "t1_mprage_sag Musterfrau" becomes "t1_mprage_sag …".
    """
    return re.sub(rf"{UNKNOWN}(?:\W*{UNKNOWN})+", UNKNOWN, _PARTS.sub(_shown, text))


def is_harmless(name: str) -> bool:
    """Whether a file or folder name, such as "IM_0001.dcm", contains no word or number that may identify someone."""
    if _PSEUDONYM.match(name):
        name = name[len("study-0123456789") :]
    return all(_shown(part) != UNKNOWN for part in _PARTS.finditer(name))


def _shown(part: re.Match[str]) -> str:
    word = part[0]
    if word.isdigit():
        return word if len(word) <= _MOST_DIGITS else UNKNOWN
    return word if len(word) <= 2 or word.casefold() in _WORDS else UNKNOWN
