"""What a cell of a table makes of the slice of a figure, and in words how it was made."""

from __future__ import annotations

from collections.abc import Sequence

from scripts.data.errors import BadInputError
from scripts.data.strict_json import read_json
from scripts.networks.devices import as_device
from scripts.networks.weights import load_weights

from .cells import Cell
from .grid import Grid
from .sample import Result, Sample


def apply_cell(grid: Grid, cell: Cell, sample: Sample) -> Result | str:
    """Fuse and decompose the sample as the evaluation of the cell would.

    Args:
        grid: knows where the cell's weights are and what it is configured with.
        cell: method, settings and seed.
        sample: the slice.

    Returns:
        the result, or in a few words why there is none yet.
    """
    if cell.training is not None and not cell.ckpt_path and not grid.trained(cell):
        return "not trained yet"
    config = grid.evaluation_config(cell)
    network = config.get_parsed_content("network_def")
    weights = grid.weights(cell)
    if weights is not None:
        try:
            load_weights(network, weights)
        except BadInputError:
            if weights.is_file():
                raise
            return "no weights yet"
    network = network.to(as_device(grid.device or "cpu")).eval()
    dtype, latent, seed = (config.get_parsed_content(key) for key in ("fused_dtype", "latent", "seed"))
    return sample.apply(network, dtype, latent, seed)


def budget_words(grid: Grid, cells: Sequence[Cell]) -> str:
    """Say with what the trained ones of some cells were trained, where they share it; nothing where none is.

    Args:
        grid: where the cells lie.
        cells: cells of one figure.

    Returns:
        for instance "small setting: 4 epochs of 96 × 96 crops in batches of 8, lgg, 62 training patients, seed 0".
    """
    trained = [cell for cell in cells if cell.training is not None]
    if not trained:
        return f"{grid.budget.setting} setting"
    told = []
    for cell in trained:
        config = grid.training_config(cell)
        epochs, batch, (rows, columns) = (
            config.get_parsed_content(key) for key in ("epochs", "batch_size", "image_size")
        )
        told.append(f"{epochs} epochs, {rows} × {columns} pixels in batches of {batch}")
    same = max(dict.fromkeys(told), key=told.count)
    others = "" if told.count(same) == len(told) else " (some methods differ)"
    patients = ""
    if grid.split_file.is_file():
        count = len(read_json(grid.split_file)["train"])
        patients = f", {count} patients"
    seeds = sorted({cell.seed for cell in trained})
    return (
        f"{grid.budget.setting} setting: {same}{others}, trained on {grid.dataset_dir.name}{patients}, "
        f"seed {', '.join(map(str, seeds))}"
    )
