"""The small programs that steps of a release run."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from fusioninn_research.release.earlier_weights import earlier_weights
from fusioninn_research.release.network_facts import network_facts
from fusioninn_research.release.swapped_phantom import write_swapped
from fusioninn_research.release.training_log import write_log
from scripts.data.errors import BadInputError

ROOT = Path(__file__).resolve().parents[3]
WEIGHTS = ROOT / "bundle" / "models" / "model.pt"


@pytest.mark.skipif(not WEIGHTS.is_file(), reason="no weights are shipped with this copy")
def test_facts_are_those_of_the_network_that_ships():
    facts = network_facts()
    assert facts["megabytes"] == WEIGHTS.stat().st_size / 2**20
    assert 4 * facts["parameters"] <= WEIGHTS.stat().st_size
    assert 0.1 < facts["gflop"] < 100


def test_the_swapped_phantom_has_the_voxels_of_the_other_source(tmp_path):
    folder = write_swapped(tmp_path)
    for ours, theirs in (("t1ce", "flair"), ("flair", "t1ce")):
        swapped = nib.load(folder / f"phantom-01_{ours}.nii.gz").dataobj
        original = nib.load(ROOT / f"bundle/example/phantom-01/phantom-01_{theirs}.nii.gz").dataobj
        assert np.array_equal(np.asarray(swapped), np.asarray(original))


def test_losses_of_a_training_are_drawn_and_kept(tmp_path):
    log = pd.read_csv(ROOT / "research/docs/weights_log.csv").drop(columns="part", errors="ignore")
    log.insert(1, "part", "train")
    history = tmp_path / "history.csv"
    log.to_csv(history, index=False)
    write_log([history, history], tmp_path / "training.png", tmp_path / "log.csv")
    kept = pd.read_csv(tmp_path / "log.csv")
    assert kept["epoch"].tolist() == list(range(1, 2 * len(log) + 1))
    assert np.allclose(kept["loss"], [*log["loss"], *log["loss"]], rtol=1e-5)
    with Image.open(tmp_path / "training.png") as picture:
        assert picture.size == (1800, 860)


class TestEarlierWeights:
    @pytest.fixture
    def history(self, tmp_path) -> Path:
        """A repository with three versions of a file, the second of which was deleted before the third."""

        def git(*words):
            subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=b", *words], cwd=tmp_path, check=True)

        git("init", "-q")
        for content in (b"one", b"two", None, b"three"):
            if content is None:
                (tmp_path / "model.pt").unlink()
            else:
                (tmp_path / "model.pt").write_bytes(content)
            git("add", "-A")
            git("commit", "-q", "-m", "x")
        return tmp_path

    @pytest.mark.parametrize("content", [b"one", b"two", b"three"])
    def test_come_from_the_history_by_their_checksum(self, history, content):
        mark = hashlib.sha256(content).hexdigest()[:12]
        assert earlier_weights(mark, history, "model.pt") == content

    def test_unknown_weights_are_told(self, history):
        with pytest.raises(BadInputError, match=r"No version of model\.pt has the weights 000000000000"):
            earlier_weights("0" * 12, history, "model.pt")

    def test_outside_a_checkout_it_says_so(self, tmp_path):
        with pytest.raises(BadInputError, match="Release from a checkout"):
            earlier_weights("0" * 12, tmp_path, "model.pt")
