"""Taking stored fused images apart."""

from __future__ import annotations

import gzip
import json
import shutil
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import torch

from case_files import fused_case, write_decomposed, write_fused
from scripts.cases.decompose import DecomposeVolume, ReadFused
from scripts.cases.fuse import slice_ssim
from scripts.data.errors import BadInputError
from scripts.networks.weights import fingerprint, load_weights
from scripts.outputs.find_fused import find_fused
from scripts.outputs.volumes import fused_descrip, save_volume
from scripts.report.results import ReadResults
from scripts.transforms.load_sources import LoadSourcesd
from scripts.transforms.normalize import NormalizeSourcesd

SHIPPED = Path(__file__).resolve().parents[2] / "bundle" / "models" / "model.pt"


@pytest.fixture
def ckpt(tmp_path, network):
    for name, weight in network.named_parameters():
        if "conv_1" in name:
            torch.nn.init.normal_(weight, std=0.02)
    torch.save(network.eval().state_dict(), tmp_path / "model.pt")
    return str(tmp_path / "model.pt")


@pytest.fixture
def fused(tmp_path, network, ckpt, write_patient):
    """Folder of a fused patient."""
    return fuse(tmp_path, network, ckpt, write_patient(tmp_path, "P1"))


def fuse(tmp_path, network, ckpt, record, dtype="uint16", lossless=False):
    data = NormalizeSourcesd("slice")(LoadSourcesd()(record))
    out = tmp_path / f"fused_{dtype}"
    write_fused(out, fused_case(network, data, ckpt, dtype, lossless))
    return out


def decompose(network, ckpt, folder, **settings):
    (record,) = find_fused(str(folder))
    return DecomposeVolume(fingerprint(ckpt))(network, ReadFused(**settings)(record))


def own_units(case):
    """Estimates (N, X, Y, Z) in the sources' own units."""
    return torch.stack(list(case.estimates.values()))


class TestFindFused:
    def test_fused_images_are_found_in_folders_below(self, fused):
        (fused / "deeper").mkdir()
        shutil.copy(fused / "P1" / "P1_fused.nii.gz", fused / "deeper" / "P2_fused.nii.gz")
        assert [record["patient"] for record in find_fused(str(fused))] == ["P1", "P2"]

    def test_half_written_files_are_not_taken_for_results(self, fused):
        (fused / "P1" / ".P1_fused.nii.gz.x_fused.nii.gz").write_bytes(b"half")
        assert len(find_fused(str(fused))) == 1

    def test_a_missing_and_an_empty_folder_are_told(self, tmp_path):
        with pytest.raises(BadInputError, match="is not a folder.*--dataset_dir"):
            find_fused(str(tmp_path / "none"))
        (tmp_path / "empty").mkdir()
        study = tmp_path / "out" / "study-1" / "fused"
        study.mkdir(parents=True)
        (study / "0001.dcm").touch()
        with pytest.raises(BadInputError, match=r"holds DICOM series: .*fusioninn series.*--nifti true"):
            find_fused(str(tmp_path / "out"))
        with pytest.raises(
            BadInputError, match=r"no fused image was found in .*empty: .*_fused\.nii\.gz.*fusioninn fuse"
        ):
            find_fused(str(tmp_path / "empty"))

    def test_two_of_one_patient_stop_that_patient_alone(self, fused):
        shutil.copytree(fused / "P1", fused / "again")
        shutil.copytree(fused / "P1", fused / "P2")
        (fused / "P2" / "P1_fused.nii.gz").rename(fused / "P2" / "P2_fused.nii.gz")
        one, other = find_fused(str(fused))
        assert other == {"patient": "P2", "fused": str(fused / "P2" / "P2_fused.nii.gz")}
        for read in (ReadFused(), ReadResults()):
            with pytest.raises(BadInputError, match="are both the fused image of P1. Keep one"):
                read(one)


class TestPairing:
    def test_a_missing_sidecar(self, network, ckpt, fused):
        (fused / "P1" / "P1_fused.json").unlink()
        with pytest.raises(BadInputError, match=r"P1_fused\.json does not exist"):
            decompose(network, ckpt, fused)

    def test_the_sidecar_of_another_patient(self, tmp_path, network, ckpt, fused, write_patient):
        flair = np.arange(40 * 48 * 8).reshape(40, 48, 8) % 99
        other = fuse(tmp_path / "two", network, ckpt, write_patient(tmp_path, "P2", flair=flair))
        shutil.copy(other / "P2" / "P2_fused.json", fused / "P1" / "P1_fused.json")
        with pytest.raises(BadInputError, match="belong to different fusions"):
            decompose(network, ckpt, fused)

    def test_other_weights(self, tmp_path, network, fused):
        next(network.parameters()).data += 1
        torch.save(network.state_dict(), tmp_path / "other.pt")
        with pytest.raises(BadInputError, match=r"P1_fused\.nii\.gz was fused with other weights .*--ckpt_path"):
            decompose(network, tmp_path / "other.pt", fused)

    @pytest.mark.parametrize("change", ["in the plane", "along the slices", "flipped"])
    def test_a_resampled_image(self, network, ckpt, fused, change):
        path = fused / "P1" / "P1_fused.nii.gz"
        image = nib.load(path)
        values, affine = image.get_fdata(dtype=np.float32), image.affine.copy()
        if change == "in the plane":
            values = values[::2]
            affine[:, 0] *= 2
        elif change == "along the slices":
            values = values[:, :, ::2]
            affine[:, 2] *= 2
        else:
            values = values[::-1]
            affine = affine @ np.array([[-1, 0, 0, 39], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
        nib.save(nib.Nifti1Image(values, affine), path)
        with pytest.raises(BadInputError, match=r"P1_fused\.nii\.gz .* was resampled or"):
            decompose(network, ckpt, fused)


def to_uint8(image):
    return nib.Nifti1Image(np.rint(image.get_fdata().clip(0, 1) * 255).astype("uint8"), image.affine)


def to_uint16(image):
    return nib.Nifti1Image(np.rint(image.get_fdata().clip(0, 1) * 65535).astype("uint16"), image.affine)


def with_slope(dtype):
    def convert(image):
        converted = nib.Nifti1Image(image.get_fdata().clip(0, 1), image.affine, image.header)
        converted.set_data_dtype(dtype)
        return converted

    return convert


def to_float64(image):
    converted = nib.Nifti1Image(image.get_fdata(), image.affine)
    converted.set_data_dtype("float64")
    return converted


class TestEarlierRuns:
    def with_maps(self, case):
        return case.with_map("uncertainty", torch.ones_like(case.decomposed))

    def test_maps_of_an_earlier_run_do_not_stay_beside_other_estimates(self, tmp_path, network, ckpt, fused):
        case = decompose(network, ckpt, fused)
        write_decomposed(tmp_path / "back", self.with_maps(case))
        folder = tmp_path / "back" / "P1"
        told = json.loads((folder / "P1_uncertainty.json").read_text())
        assert told["FusionID"] == case.record["FusionID"]
        assert (folder / "P1_flair_uncertainty.nii.gz").is_file()
        written = write_decomposed(tmp_path / "back", case)
        assert {str(path) for path in folder.iterdir()} == set(written)
        assert not any("uncertainty" in path for path in written)

    def test_beside_its_own_fused_image_everything_stays(self, tmp_path, network, ckpt, fused):
        before = {path.name for path in (fused / "P1").iterdir()}
        case = decompose(network, ckpt, fused)
        write_decomposed(fused, self.with_maps(case))
        write_decomposed(fused, case)
        after = {path.name for path in (fused / "P1").iterdir()}
        assert before | {"P1_flair_uncertainty.nii.gz", "P1_uncertainty.json"} <= after

    def test_beside_another_fused_image_nothing_is_written(self, tmp_path, network, ckpt, fused, write_patient):
        flair = np.arange(40 * 48 * 8).reshape(40, 48, 8) % 99
        other = fuse(tmp_path / "two", network, ckpt, write_patient(tmp_path / "two", "P1", flair=flair))
        before = {path.name: path.read_bytes() for path in (other / "P1").iterdir()}
        with pytest.raises(BadInputError, match="holds another fused image of the same name .*--output_dir"):
            write_decomposed(other, decompose(network, ckpt, fused))
        assert {path.name: path.read_bytes() for path in (other / "P1").iterdir()} == before


def without_checksum(sidecar):
    """Make a sidecar as version 0.4.0 wrote it, which knows no checksum of the voxels."""
    content = json.loads(sidecar.read_text())
    for key in ("FusedSHA256", "LatentSHA256"):
        content.pop(key, None)
    sidecar.write_text(json.dumps(content))


class TestChanges:
    """What was stored and what is read are compared: a change is an error that says which of the two was changed."""

    def test_copies_that_keep_every_level_are_the_same(self, network, ckpt, fused):
        path = fused / "P1" / "P1_fused.nii.gz"
        expected = own_units(decompose(network, ckpt, fused))
        original = nib.load(path)
        values, raw = original.get_fdata(), np.asarray(original.dataobj.get_unscaled())
        copies = {
            "compressed again": original,
            "as float64": nib.Nifti1Image(values, original.affine),
            "as big-endian float32": nib.Nifti1Image(values.astype(">f4"), original.affine),
            "without scale factor": nib.Nifti1Image(raw.astype("<u2"), original.affine),
        }
        contents = {name: image.to_bytes() for name, image in copies.items()}
        for name, content in contents.items():
            path.write_bytes(gzip.compress(content, 9))
            # Scale factors differ in the last digit of single precision.
            torch.testing.assert_close(
                own_units(decompose(network, ckpt, fused)), expected, rtol=1e-4, atol=0.02, msg=name
            )
        path.unlink()
        (fused / "P1" / "P1_fused.nii").write_bytes(contents["compressed again"])
        assert torch.equal(own_units(decompose(network, ckpt, fused)), expected)

    def test_one_changed_voxel_is_told(self, network, ckpt, fused):
        path = fused / "P1" / "P1_fused.nii.gz"
        image = nib.load(path)
        levels = np.asarray(image.dataobj.get_unscaled()).copy()
        levels[20, 20, 4] += 1
        header = image.header.copy()
        changed = nib.Nifti1Image(levels, image.affine, header)
        changed.header.set_slope_inter(1 / 65535, 0)
        path.write_bytes(gzip.compress(changed.to_bytes()))
        with pytest.raises(BadInputError, match="does not contain the voxels .*its sidecar is unchanged"):
            decompose(network, ckpt, fused)
        with pytest.raises(BadInputError, match="does not contain the voxels"):
            ReadResults()({"patient": "P1", "fused": str(path)})

    def test_a_converted_image_is_refused_with_what_to_do(self, network, ckpt, fused):
        path = fused / "P1" / "P1_fused.nii.gz"
        nib.save(to_uint8(nib.load(path)), path)
        with pytest.raises(BadInputError, match='To decompose it as it is, remove the key "FusedSHA256" from .*json'):
            decompose(network, ckpt, fused)
        without_checksum(fused / "P1" / "P1_fused.json")
        assert torch.isfinite(own_units(decompose(network, ckpt, fused))).all()

    @pytest.mark.parametrize("key", ["factor", "offset", "order", "name", "weights", "type"])
    def test_a_changed_sidecar_is_told(self, network, ckpt, fused, key):
        path = fused / "P1" / "P1_fused.json"
        content = json.loads(path.read_text())
        if key in ("factor", "offset"):
            content["IntensityScale"][key][1][3] += 0.5
        elif key == "order":
            content["SourceModalities"].reverse()
        elif key == "name":
            content["SourceModalities"][0] = "t2"
        elif key == "weights":
            content["CheckpointSHA256"] = fingerprint(ckpt)[::-1]
        else:
            content["SourceDtypes"][0] = "uint8"
        path.write_text(json.dumps(content))
        with pytest.raises(BadInputError, match=r"P1_fused\.json was changed since it was written.* remove the key"):
            decompose(network, ckpt, fused)

    def test_a_changed_latent_is_told(self, tmp_path, network, ckpt, write_patient):
        folder = fuse(tmp_path, network, ckpt, write_patient(tmp_path, "P1"), "float32", lossless=True)
        path = folder / "P1" / "P1_latent.nii.gz"
        image = nib.load(path)
        values = image.get_fdata(dtype=np.float32).copy()
        values[3, 3, 3] += 1e-3
        path.write_bytes(gzip.compress(nib.Nifti1Image(values, image.affine, image.header).to_bytes()))
        with pytest.raises(BadInputError, match=r"P1_latent\.nii\.gz does not contain the voxels that were written"):
            decompose(network, ckpt, folder, lossless=True)

    def test_what_version_0_4_0_wrote_is_decomposed(self, tmp_path, network, ckpt):
        content = json.loads((Path(__file__).parent / "sidecar_of_version_0.4.0.json").read_text())
        content["CheckpointSHA256"] = fingerprint(ckpt)
        (tmp_path / "P1_fused.json").write_text(json.dumps(content))
        values = np.linspace(0, 1, 16 * 16 * 3).reshape(16, 16, 3)
        descrip = fused_descrip(content["FusionID"])
        affine = np.array([*content["Affine"], [0, 0, 0, 1]])
        save_volume(tmp_path / "P1_fused.nii.gz", values, affine, "uint16", descrip=descrip)
        case = decompose(network, ckpt, tmp_path)
        assert case.decomposed.shape == (2, 16, 16, 3)
        write_decomposed(tmp_path / "back", case)
        assert (tmp_path / "back" / "P1" / "P1_t1gd_decomposed.nii.gz").is_file()


class TestStorage:
    """Whoever stores the fused image in another type gets the same sources from it."""

    @pytest.fixture
    def trained(self, tmp_path, network, ckpt):
        """Return the shipped network where it is there, else one near the identity; and its file."""
        if not SHIPPED.is_file():
            return network, ckpt
        from monai.bundle import ConfigParser

        parser = ConfigParser()
        parser.read_config(SHIPPED.parents[1] / "configs" / "decompose.json")
        return load_weights(parser.get_parsed_content("network_def"), SHIPPED), str(SHIPPED)

    def ssim(self, tmp_path, trained, folder, record):
        network, ckpt = trained
        case = decompose(network, ckpt, folder)
        image = LoadSourcesd()(record)["image"].as_tensor()
        normalised = NormalizeSourcesd("slice")({"image": image})
        scale = torch.tensor(normalised["intensity_scale"]["factor"])[:, None, None].clamp(min=1e-6)
        offset = torch.tensor(normalised["intensity_scale"]["offset"])[:, None, None]
        estimate = (own_units(case) - offset) / scale
        return np.nanmean(slice_ssim(normalised["image"], estimate, 2), axis=0)

    def test_files_of_every_type_give_the_same_ssim(self, tmp_path, trained, write_patient):
        record = write_patient(tmp_path, "P1", shape=(64, 72, 6))
        written = {dtype: fuse(tmp_path, *trained, record, dtype) for dtype in ("float32", "uint16", "uint8")}
        scores = {dtype: self.ssim(tmp_path, trained, folder, record) for dtype, folder in written.items()}
        path = written["float32"] / "P1" / "P1_fused.nii.gz"
        original = nib.Nifti1Image(nib.load(path).get_fdata(dtype=np.float32), nib.load(path).affine)
        without_checksum(written["float32"] / "P1" / "P1_fused.json")
        for name, convert in {
            "uint8 x 255": to_uint8,
            "uint16 x 65535": to_uint16,
            "uint8 with slope": with_slope("uint8"),
            "int16 with slope": with_slope("int16"),
            "float64": to_float64,
        }.items():
            nib.save(convert(original), path)
            scores[name] = self.ssim(tmp_path, trained, written["float32"], record)
        for name, score in scores.items():
            assert score == pytest.approx(scores["float32"], abs=0.005), name

    def test_units_are_those_of_the_sources(self, tmp_path, trained, write_patient):
        record = write_patient(tmp_path, "P1")
        case = decompose(*trained, fuse(tmp_path, *trained, record))
        for source, estimate in case.estimates.items():
            values = nib.load(record[source]).get_fdata()
            assert float(estimate.min()) >= 0
            assert float(estimate.max()) > 0.3 * values.max()

    def test_a_constant_slice_comes_back_constant(self, tmp_path, trained, write_patient):
        record = write_patient(tmp_path, "P1")
        for source in ("t1gd", "flair"):
            image = nib.load(record[source])
            values = np.asarray(image.dataobj).copy()
            values[:, :, 2], values[:, :, 5] = 0, 70
            nib.save(nib.Nifti1Image(values, image.affine), record[source])
        estimates = own_units(decompose(*trained, fuse(tmp_path, *trained, record)))
        assert (estimates[..., 2] == 0).all()
        assert (estimates[..., 5] == 70).all()


class TestLossless:
    def test_integers_come_back_exactly_and_are_marked_as_restored(self, tmp_path, network, ckpt, write_patient):
        record = write_patient(tmp_path, "P1")
        folder = fuse(tmp_path, network, ckpt, record, "float32", lossless=True)
        write_decomposed(tmp_path / "back", decompose(network, ckpt, folder, lossless=True), overview=True)
        assert not list((tmp_path / "back").rglob("*.png"))
        for source in ("t1gd", "flair"):
            back = nib.load(tmp_path / "back" / "P1" / f"P1_{source}_decomposed.nii.gz")
            assert back.get_data_dtype() == np.int16
            assert np.array_equal(back.dataobj, nib.load(record[source]).dataobj)
            assert back.header["descrip"].item().decode() == f"FusionINN restored {source}, research use only"

    def test_without_a_latent_it_is_refused(self, network, ckpt, fused):
        with pytest.raises(BadInputError, match=r"was fused without its latent. Fuse again with --lossless true"):
            decompose(network, ckpt, fused, lossless=True)

    @pytest.mark.parametrize("damage", ["missing", "truncated", "of another shape"])
    def test_a_damaged_latent_is_refused(self, tmp_path, network, ckpt, write_patient, damage):
        folder = fuse(tmp_path, network, ckpt, write_patient(tmp_path, "P1"), "float32", lossless=True)
        path = folder / "P1" / "P1_latent.nii.gz"
        if damage == "missing":
            path.unlink()
        elif damage == "truncated":
            path.write_bytes(path.read_bytes()[:2000])
        else:
            nib.save(nib.Nifti1Image(np.zeros((4, 4, 4), "float32"), np.eye(4)), path)
        with pytest.raises(BadInputError, match=r"P1_latent\.nii\.gz .*(fuse|Fuse) again"):
            decompose(network, ckpt, folder, lossless=True)

    def test_the_latent_of_another_fusion_is_refused(self, tmp_path, network, ckpt, write_patient):
        folder = fuse(tmp_path, network, ckpt, write_patient(tmp_path, "P1"), "float32", lossless=True)
        flair = np.arange(40 * 48 * 8).reshape(40, 48, 8) % 99
        other = write_patient(tmp_path / "two", "P1", flair=flair)
        other = fuse(tmp_path / "two", network, ckpt, other, "float32", lossless=True)
        shutil.copy(other / "P1" / "P1_latent.nii.gz", folder / "P1")
        with pytest.raises(BadInputError, match=r"P1_latent\.nii\.gz and the sidecar .* different fusions"):
            decompose(network, ckpt, folder, lossless=True)

    def test_a_rounded_fused_image_is_refused(self, tmp_path, network, ckpt, write_patient):
        folder = fuse(tmp_path, network, ckpt, write_patient(tmp_path, "P1"), "float32", lossless=True)
        path = folder / "P1" / "P1_fused.nii.gz"
        nib.save(to_uint16(nib.load(path)), path)
        with pytest.raises(BadInputError, match="stored as uint16, the exact inverse needs it as float32"):
            decompose(network, ckpt, folder, lossless=True)


def test_writing_beside_the_fused_image_leaves_the_overview_of_the_fusion_alone(network, ckpt, fused):
    overview = fused / "P1" / "P1_overview.png"
    overview.write_bytes(b"of the fusion")
    written = write_decomposed(fused, decompose(network, ckpt, fused), overview=True)
    assert overview.read_bytes() == b"of the fusion"
    assert sorted(Path(path).name for path in written) == [
        "P1_decomposed_overview.png",
        "P1_flair_decomposed.nii.gz",
        "P1_t1gd_decomposed.nii.gz",
    ]
    assert len(find_fused(str(fused))) == 1


def test_a_sidecar_of_three_sources_does_not_fit_a_network_of_two(network, ckpt, fused):
    path = fused / "P1" / "P1_fused.json"
    sidecar = json.loads(path.read_text())
    del sidecar["FusedSHA256"]
    for key, entry in {"SourceModalities": "t2", "Sources": "P1_t2.nii.gz", "SourceDtypes": "int16"}.items():
        sidecar[key].append(entry)
    for key in ("offset", "factor"):
        sidecar["IntensityScale"][key].append(sidecar["IntensityScale"][key][0])
    path.write_text(json.dumps(sidecar))
    with pytest.raises(BadInputError, match="3 sources are given, but the network fuses 2"):
        decompose(network, ckpt, fused)
