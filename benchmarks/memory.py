"""Peak memory of a training step against the number of coupling blocks, with and without `recompute`.

Both directions, all losses, forward and backward, each in a separate process. Writes table, numbers and plot.

    python benchmarks/memory.py
    python benchmarks/memory.py --blocks 3 24 --batch 1 --size 96      # quicker
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

import torch
from machine import OUTPUT, machine, measure, write_figures
from shipped import BUNDLE  # noqa: F401  puts the bundle on the path

from scripts.inferers import BidirectionalInferer
from scripts.losses import FusionINNLoss
from scripts.networks import FusionINN

COLUMNS = ("k", "kept, MB", "recomputed, MB", "kept, s", "recomputed, s", "difference of the gradients")


def resident(name: str) -> float:
    """Return the memory of this process in MB: "VmRSS" is current, "VmHWM" the peak since `forget_peak`."""
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(name))
    return int(line.split()[1]) / 1e6 * 1024


def forget_peak(device: str) -> float:
    """Begin a measurement, and return the memory in use in MB."""
    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()
        return torch.cuda.memory_allocated() / 1e6
    Path("/proc/self/clear_refs").write_text("5")
    return resident("VmRSS")


def peak(device: str) -> float:
    """Return the peak memory since `forget_peak` in MB."""
    return torch.cuda.max_memory_allocated() / 1e6 if device == "cuda" else resident("VmHWM")


def step(network: FusionINN, image: torch.Tensor) -> torch.Tensor:
    """Run one training step without the optimizer, and return all gradients in one vector."""
    torch.manual_seed(1)
    network.zero_grad()
    FusionINNLoss()(BidirectionalInferer()(image, network), image).backward()
    return torch.cat([parameter.grad.flatten() for parameter in network.parameters()])


def child(options: argparse.Namespace) -> dict[str, float]:
    """Measure one number of blocks, with or without recomputation."""
    torch.manual_seed(0)
    network = FusionINN(blocks=options.child, recompute=options.recompute).to(
        options.device, memory_format=torch.channels_last
    )
    with torch.no_grad():
        for parameter in network.parameters():
            # Initial couplings are the identity: change them.
            parameter += 0.03 / options.child * torch.randn_like(parameter)
    shape = (options.batch, 2, options.size, options.size)
    image = torch.rand(shape, device=options.device).contiguous(memory_format=torch.channels_last)
    step(network, image[:1, :, :32, :32])
    before, start = forget_peak(options.device), time.perf_counter()
    gradient = step(network, image)
    gradient.sum().item()
    figures = {"seconds": time.perf_counter() - start, "megabytes": peak(options.device) - before}
    if options.recompute:
        network.recompute = False
        ordinary = step(network, image)
        figures["difference"] = ((gradient - ordinary).norm() / ordinary.norm()).item()
    return figures


def plot(path: Path, blocks: list[int], found: dict[bool, list[dict]], title: str) -> None:
    """Plot memory against k."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(6, 4), layout="constrained")
    for recompute, label in ((False, "activations kept"), (True, "activations recomputed through the inverse")):
        axes.plot(blocks, [row["megabytes"] for row in found[recompute]], "o-", label=label)
    axes.set(xlabel="coupling blocks k", ylabel="peak memory of a training step, MB", title=title)
    axes.set_xticks(blocks)
    axes.set_ylim(bottom=0)
    axes.legend()
    figure.savefig(path, dpi=120)


def main() -> None:
    """Print the table, write the files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--blocks", type=int, nargs="+", default=[3, 6, 9, 12, 18, 24])
    parser.add_argument("--batch", type=int, default=2)
    parser.add_argument("--size", type=int, default=240)
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    parser.add_argument("--output_dir", type=Path, default=OUTPUT)
    parser.add_argument("--child", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--recompute", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.device == "cpu" and sys.platform != "linux":
        parser.error("peak memory of the CPU is measured on Linux only, use --device cuda")
    if options.child:
        print(json.dumps(child(options)))
        return
    common = ["--batch", str(options.batch), "--size", str(options.size), "--device", options.device]
    title = f"{options.batch} x {options.size} x {options.size}, single precision"
    lines = [f"{title}; {machine(options.device)}", "", f"| {' | '.join(COLUMNS)} |", "|---" * len(COLUMNS) + "|"]
    print("\n".join(lines), flush=True)
    found: dict[bool, list[dict]] = {False: [], True: []}
    figures = []
    for blocks in options.blocks:
        for recompute, rows in found.items():
            row = measure(__file__, ["--child", str(blocks), *common, *(["--recompute"] if recompute else [])])
            if "error" in row:
                raise SystemExit(row["error"])
            rows.append(row)
        kept, again = found[False][-1], found[True][-1]
        figures.append(
            {
                "blocks": blocks,
                "kept_megabytes": kept["megabytes"],
                "recomputed_megabytes": again["megabytes"],
                "difference": again["difference"],
            }
        )
        lines.append(
            f"| {blocks} | {kept['megabytes']:.0f} | {again['megabytes']:.0f} | {kept['seconds']:.2f} | "
            f"{again['seconds']:.2f} | {again['difference']:.0e} |"
        )
        print(lines[-1], flush=True)
    options.output_dir.mkdir(parents=True, exist_ok=True)
    (options.output_dir / "memory.md").write_text("\n".join(lines) + "\n")
    write_figures(options.output_dir / "memory.json", {"machine": machine(options.device), "rows": figures})
    plot(options.output_dir / "memory.png", options.blocks, found, title)
    print(f"\n{options.output_dir / 'memory.md'}, memory.png")


if __name__ == "__main__":
    main()
