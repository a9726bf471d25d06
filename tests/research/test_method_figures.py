"""Figs. 4 and 5: methods and settings side by side on one slice."""

from __future__ import annotations

import matplotlib.image
import numpy as np
import pytest
import torch
from monai.bundle import ConfigParser

from fusioninn_research.grid import Budget, Grid
from fusioninn_research.method_figures import MethodFigure, SettingFigure
from fusioninn_research.sample import read_sample
from scripts.networks import FusionINN
from scripts.networks.pixelwise import MaxFusion, MeanFusion

SOURCES = ["t1gd", "flair"]


@pytest.fixture
def grid(repository, tmp_path):
    """Cells with nothing trained yet."""
    return Grid(str(repository / "bundle" / "example"), str(tmp_path), Budget("small"), train=False, evaluate=False)


@pytest.fixture
def sample(write_patient, tmp_path):
    lesion = np.zeros((40, 48, 8), dtype=np.int16)
    lesion[10:14, 20:30, 5] = 1
    write_patient(tmp_path / "patients", "P1", seg=lesion)
    return read_sample(str(tmp_path / "patients"), SOURCES, zoom_size=(10, 16))


@pytest.fixture
def rows(repository):
    ckpt_path = str(repository / "bundle" / "models" / "model.pt")
    return [
        {"name": "Plain mean", "method": "mean"},
        {"name": "Maximum", "method": "max"},
        {"name": "UNet", "method": "unet", "training": ["train.json", "research/fusion_only.json"]},
        {"name": "FusionINN", "method": "fusioninn", "ckpt_path": ckpt_path, "overrides": {"latent": "zeros"}},
    ]


def words(ssim, prefix: str = "SSIM ") -> str:
    return prefix + " · ".join(f"{value:.3f}" for value in ssim)


class TestMethods:
    def test_sources_come_first_and_estimates_last(self, grid, rows, sample):
        tiles = MethodFigure(grid, rows, sample, SOURCES, groups={"unet": "Discriminative"}).tiles()
        assert [(tile.group, tile.name) for tile in tiles] == [
            ("Sources", "T1-Gd"),
            ("Sources", "FLAIR"),
            ("Fused", "Plain mean"),
            ("Fused", "Maximum"),
            ("Discriminative", "UNet"),
            ("Fused", "FusionINN"),
            ("FusionINN, decomposed (estimates)", "T1-Gd, estimate"),
            ("FusionINN, decomposed (estimates)", "FLAIR, estimate"),
        ]

    def test_scores_are_those_that_are_computed(self, grid, rows, sample):
        tiles = {tile.name: tile for tile in MethodFigure(grid, rows, sample, SOURCES).tiles()}
        for name, method in (("Plain mean", MeanFusion()), ("Maximum", MaxFusion())):
            expected = sample.apply(method)
            assert tiles[name].score == words(expected.fused_ssim)
            assert (tiles[name].picture == expected.fused).all()
        assert tiles["T1-Gd"].score == ""

    def test_a_method_that_is_not_trained_is_a_gap_with_its_name(self, grid, rows, sample):
        (gap,) = [tile for tile in MethodFigure(grid, rows, sample, SOURCES).tiles() if tile.name == "UNet"]
        assert gap.picture is None
        assert gap.score == "not trained yet"

    def test_fused_images_share_one_window_and_estimates_that_of_their_source(self, grid, rows, sample):
        tiles = {tile.name: tile for tile in MethodFigure(grid, rows, sample, SOURCES).tiles()}
        assert tiles["Plain mean"].window == tiles["Maximum"].window == tiles["FusionINN"].window
        assert tiles["FLAIR, estimate"].window == tiles["FLAIR"].window

    def test_a_gap_is_black(self, grid, rows, sample):
        (gap,) = [tile for tile in MethodFigure(grid, rows, sample, SOURCES).tiles() if tile.name == "UNet"]
        panel = gap.panel(sample.frame, "UNet")
        assert panel.picture.shape == sample.sources[0][sample.frame].shape
        assert not panel.picture.any()

    def test_rows_can_be_left_out(self, grid, rows, sample):
        tiles = MethodFigure(grid, rows, sample, SOURCES, leave_out=["UNet"], decomposed=[]).tiles()
        assert [tile.name for tile in tiles[2:]] == ["Plain mean", "Maximum", "FusionINN"]

    def test_it_is_drawn_into_a_small_file(self, grid, rows, sample, tmp_path):
        MethodFigure(grid, rows, sample, SOURCES, columns=4).draw(tmp_path / "figure.png")
        assert matplotlib.image.imread(tmp_path / "figure.png").shape[1] <= 1500
        assert (tmp_path / "figure.png").stat().st_size < 600_000


class TestSettings:
    ROWS = tuple(
        {
            "name": f"k = {k}",
            "group": "k",
            "method": "fusioninn",
            "training": ["train.json"],
            "overrides": {"blocks": k},
        }
        for k in (1, 2)
    )

    @pytest.fixture
    def figure(self, grid, sample):
        """k = 2 is trained, k = 1 is not."""
        settings = {"epochs": 1}
        rows = [{**row, "overrides": {**row["overrides"], **settings}} for row in self.ROWS]
        other = {**rows[1], "name": "α = 0.5", "group": "α"}
        folder = grid.folder / "fusioninn_blocks-2_epochs-1" / "seed0" / "training"
        folder.mkdir(parents=True)
        state = FusionINN(blocks=2).state_dict()
        torch.save(state, folder / "model.pt")
        torch.save({"network": state, "epoch": 1, "seed": 0}, folder / "last.pt")
        return SettingFigure(grid, [*rows, other], {"k": "Coupling blocks k"}, sample, SOURCES)

    def test_fused_images_above_and_the_estimates_of_each_source_beside_it(self, figure):
        rows = figure.layout()
        assert [label for label, _ in rows] == ["fused", "T1-Gd,\nestimates", "FLAIR,\nestimates"]
        for _, tiles in rows:
            assert [tile.group for tile in tiles] == ["Sources", "Coupling blocks k", "Coupling blocks k"]
        assert [tile.name for tile in rows[0][1]] == ["", "k = 1", "k = 2"]
        assert [tile.name for tile in rows[2][1]] == ["FLAIR", "k = 1", "k = 2"]

    def test_scores_are_those_that_are_computed(self, figure, sample):
        expected = sample.apply(FusionINN(blocks=2).eval())
        fused, t1gd, flair = (tiles[2].score for _, tiles in figure.layout())
        assert fused == words(expected.fused_ssim, "")
        assert t1gd == words(expected.decomposed_ssim[:1], "")
        assert flair == words(expected.decomposed_ssim[1:], "")

    def test_a_setting_that_is_not_trained_is_a_gap_in_every_row(self, figure):
        gaps = [tiles[1] for _, tiles in figure.layout()]
        assert [gap.picture for gap in gaps] == [None] * 3
        assert {gap.score for gap in gaps} == {"not trained yet"}

    def test_it_is_drawn(self, figure, tmp_path):
        figure.draw(tmp_path / "figure.png")
        assert (tmp_path / "figure.png").stat().st_size < 600_000


class TestConfigs:
    """Figures take their rows from the tables."""

    @pytest.fixture
    def read(self, repository, tmp_path):
        def read(table: int, figure: int) -> ConfigParser:
            configs = repository / "research" / "configs"
            parser = ConfigParser()
            names = ("reproduce", f"table{table}", f"figure{figure}")
            parser.read_config([str(configs / f"{name}.json") for name in names])
            parser.update({"dataset_dir": str(repository / "bundle" / "example"), "output_dir": str(tmp_path)})
            return parser

        return read

    def test_the_methods_are_those_of_table_1_without_the_weights_that_saw_other_data(self, read):
        parser = read(1, 4)
        names = [row["name"] for row in parser.get("rows")]
        figure = parser.get_parsed_content("figure")
        assert [row["name"] for row, _ in figure.rows] == names[:-1]
        assert names[-1] == "FusionINN (shipped weights)"
        assert {row["method"] for row, _ in figure.rows} == figure.groups.keys()
        assert figure.sample.patient == "phantom-01"

    def test_the_settings_are_those_of_table_2(self, read):
        figure = read(2, 5).get_parsed_content("figure")
        assert [name for _, name, _ in figure.columns] == [
            *("k = 1", "k = 2", "k = 3", "k = 4"),
            *("λ = 0.8", "λ = 0.9", "λ = 0.99", "λ = 0.999"),
        ]
        assert {cell.overrides["alpha"] for _, _, cell in figure.columns} == {0.5}
