"""Make the folder of the bundle for Hugging Face, where the bundles of the MONAI model zoo live since March 2025.

    python tools/build_huggingface.py [FOLDER] [--repo OWNER/NAME]

The folder holds the files of the archive (see build_bundle.py), a model card with metadata (``README.md``), the address
in ``configs/metadata.json``, and ``.gitattributes``. Upload it with the Hub's own client:

    hf upload OWNER/NAME FOLDER/fusioninn . --commit-message "version VERSION"
    hf repos tag create OWNER/NAME VERSION
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

from build_bundle import BUNDLE, NAME, ROOT, BuildError, download_files

REPOSITORY = f"MONAI/{NAME}"
HUB = "https://huggingface.co"
TAGS = ("monai", "medical", "mri", "brain", "image-fusion", "invertible-neural-network")
DATASET = "LGG segmentation (TCGA-LGG), 16 validation patients"
METRICS = {
    "fused_ssim": "SSIM of the fused image, mean over both sources, whole slice",
    "plain_mean_ssim": "SSIM of the plain average of the sources, mean over both, whole slice",
    "decomposed_t1gd_ssim": "SSIM of T1-Gd decomposed from 8 bits, whole slice",
    "decomposed_flair_ssim": "SSIM of FLAIR decomposed from 8 bits, whole slice",
    "decomposed_t1gd_ssim_in_brain": "SSIM of T1-Gd decomposed from 8 bits, inside the brain",
    "decomposed_flair_ssim_in_brain": "SSIM of FLAIR decomposed from 8 bits, inside the brain",
}
"""Names of `eval_metrics` of the metadata in the model card."""
GIT_ATTRIBUTES = "".join(f"*{ending} filter=lfs diff=lfs merge=lfs -text\n" for ending in (".pt", ".gz", ".png"))

_GET = """## Get it

```sh
pip install huggingface_hub fire pytorch-ignite monai=={monai}
python -m monai.bundle download --name {name} --source huggingface_hub --repo {repo} --bundle_dir bundles
pip install -r bundles/{name}/requirements.txt
```

Commands are run in `bundles/{name}`, with `python -m scripts` in place of `fusioninn`. In Python:

```python
import sys

import monai.bundle
import torch

sys.path.insert(0, "bundles/{name}")  # the network is defined in its scripts
network = monai.bundle.load("{name}", bundle_dir="bundles", workflow_type="inference", device="cpu").eval()
image = torch.rand(1, 2, 240, 240)  # T1-Gd and FLAIR, each scaled to [0, 1]
with torch.no_grad():
    fused, latent = network(image)
    estimates = network.decompose(fused.clamp(0, 1), kind="zeros")
```

"""
_BEFORE = "## Run it\n"
"""Heading of docs/README.md before which it is said how to get the bundle."""


def build(folder: Path, repository: str = REPOSITORY) -> Path:
    """Make the folder; one of an earlier run is replaced.

    Args:
        folder: where to make the folder `fusioninn`; created if missing.
        repository: owner and name on Hugging Face. Defaults to that of the zoo.

    Returns:
        the folder of the bundle.

    Raises:
        BuildError: the repository has no valid name, the folder is something else, or files are missing.
    """
    if not re.fullmatch(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*", repository):
        raise BuildError(f"'{repository}' is not a repository of Hugging Face. Give OWNER/NAME by --repo.")
    target, temporary = folder / NAME, folder / f".{NAME}.tmp"
    if target.exists() and not (target / "configs" / "metadata.json").is_file():
        raise BuildError(f"{target} exists and is not a bundle. Remove it, or name another folder.")
    files = download_files()
    shutil.rmtree(temporary, ignore_errors=True)
    for name, file in files.items():
        (temporary / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, temporary / name)
    metadata = json.loads((BUNDLE / "configs" / "metadata.json").read_text(encoding="utf-8"))
    metadata |= {"huggingface_model_id": repository, "huggingface_url": f"{HUB}/{repository}"}
    text = json.dumps(metadata, indent=4, ensure_ascii=False) + "\n"
    (temporary / "configs" / "metadata.json").write_text(text, encoding="utf-8")
    (temporary / "README.md").write_text(model_card(metadata), encoding="utf-8")
    (temporary / ".gitattributes").write_text(GIT_ATTRIBUTES, encoding="utf-8")
    shutil.rmtree(target, ignore_errors=True)
    temporary.rename(target)
    return target


def model_card(metadata: Mapping[str, Any]) -> str:
    """Return the model card: metadata of the Hub, and the zoo's page with links that lead from the root of the bundle.

    Args:
        metadata: of the bundle, with its address on the Hub.

    Raises:
        BuildError: the page has no place for the section on getting the bundle, or a metric has no name.
    """
    page = (BUNDLE / "docs" / "README.md").read_text(encoding="utf-8")
    if _BEFORE not in page:
        raise BuildError(f"bundle/docs/README.md has no heading '{_BEFORE.strip()}'.")
    get = _GET.format(name=NAME, repo=metadata["huggingface_model_id"], monai=metadata["monai_version"])
    page = re.sub(r"\]\((?!https?://|#|mailto:)", "](docs/", page)
    page = re.sub(r"<!-- (measured: [^>]*|end )-->\n?", "", page)
    return front_matter(metadata) + page.replace(_BEFORE, get + _BEFORE)


def front_matter(metadata: Mapping[str, Any]) -> str:
    """Return the metadata of the model card in YAML.

    Raises:
        BuildError: a metric of the bundle's metadata has no name here.
    """
    metrics = {key: value for key, value in metadata["eval_metrics"].items() if not isinstance(value, str)}
    unknown = sorted(set(metrics) - set(METRICS))
    if unknown:
        raise BuildError(
            f"The metrics {', '.join(unknown)} of metadata.json have no name in tools/build_huggingface.py."
        )
    lines = [
        "---",
        "license: apache-2.0",
        "library_name: monai",
        "language: en",
        "pipeline_tag: image-to-image",
        "tags:",
    ]
    lines += [f"- {tag}" for tag in TAGS]
    lines += ["model-index:", f"- name: {metadata['name']}", "  results:", "  - task:", "      type: image-to-image"]
    lines += [f"      name: {metadata['task']}", "    dataset:", f"      name: {DATASET}", "      type: medical-images"]
    lines += ["    metrics:"]
    for key, value in metrics.items():
        lines += ["    - type: ssim", f"      name: {METRICS[key]}", f"      value: {value}"]
    return "\n".join([*lines, "---", "", ""])


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "folder", nargs="?", type=Path, default=ROOT / "dist" / "huggingface", help="default: dist/huggingface"
    )
    parser.add_argument("--repo", default=REPOSITORY, help=f"owner and name on Hugging Face (default: {REPOSITORY})")
    given = parser.parse_args()
    try:
        target = build(given.folder, given.repo)
    except (BuildError, OSError) as error:
        sys.exit(f"Error: {error}")
    files = [path for path in target.rglob("*") if path.is_file()]
    size = sum(path.stat().st_size for path in files) / 2**20
    version = json.loads((target / "configs" / "metadata.json").read_text(encoding="utf-8"))["version"]
    print(f"{target}  {len(files)} files, {size:.1f} MB")
    print(f"Upload it: hf upload {given.repo} {target} . && hf repos tag create {given.repo} {version}")


if __name__ == "__main__":
    main()
