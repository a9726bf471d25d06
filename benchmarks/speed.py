"""Time of fusing, decomposing and training, compared with the published network in FrEIA and with the hardware.

The methods of Table 1 are timed at the same work, each next to its quality.

Each peer runs in a separate process with its own allocator settings, the methods of Table 1 together in one. Writes
tables, numbers and plot.

    make bench                                   # all peers, at full size
    make bench BENCH=--quick                     # fewer peers and repetitions, in under 3 minutes
    python benchmarks/speed.py --peers ours,slice freia,slice --threads 2
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from machine import KEEP_LARGE_BLOCKS, OUTPUT, machine, measure
from shipped import BUNDLE
from table1 import build_method, fusing, quality
from table1 import rows as table1_rows
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

SIZE = 240
ENOUGH_SECONDS = 1.0
"""A method of Table 1 is timed on as many slices as it fuses in this time, on one at least."""
ONCE_SECONDS = 10.0
"""A method of Table 1 that takes longer for one slice fuses it once."""
OF_METHODS = (
    "Methods of Table 1, one slice at a time, blocks kept. The networks have fresh weights, because the time does not "
    "depend on them. Quality is that of Table 1 (research/docs/comparison.md), T1-Gd / FLAIR"
)
SLOW = ("ceiling", "ddfm")
"""Methods that optimise or sample for hundreds of steps: not part of --quick."""
OF_TABLE_1 = "table1,"
"""What the names of the methods of Table 1 begin with."""


@dataclass(frozen=True)
class Peer:
    """A network and a way to run it.

    Args:
        label: name in the table.
        network: "freia", "published" (the same in plain PyTorch), "ours" (that of inference.json) or "earlier" (that of
            version 0.4.0, with fresh weights); of a method of Table 1 its name there.
        runtime: "eager", "compiled", or a runtime of the bundle. Defaults to "eager".
        at_once: slices in a batch, or None for all of them. Defaults to None.
        kept: whether the allocator keeps large blocks. Defaults to False.
        jac: whether FrEIA computes its log-determinant. Defaults to True.
        train: measure the training step instead of fusing and decomposing. Defaults to False.
        precision: see `BidirectionalInferer`. Defaults to "float32".
        quick: whether it is part of --quick. Defaults to False.
        table1: whether it is a method of Table 1. Defaults to False.
    """

    label: str
    network: str
    runtime: str = "eager"
    at_once: int | None = None
    kept: bool = False
    jac: bool = True
    train: bool = False
    precision: str = "float32"
    quick: bool = False
    table1: bool = False


PEERS = {
    "freia": Peer("FrEIA, as its authors run it", "freia", quick=True),
    "freia,nojac": Peer("FrEIA, without log-determinant", "freia", jac=False),
    "freia,kept": Peer("FrEIA, without log-determinant, large blocks kept", "freia", jac=False, kept=True),
    "freia,slice": Peer(
        "FrEIA at its best: one slice at a time, blocks kept", "freia", at_once=1, kept=True, jac=False, quick=True
    ),
    "published,slice": Peer("published network in PyTorch, one slice", "published", at_once=1, kept=True),
    "ours": Peer("ours, the whole batch at once", "ours", kept=True),
    "ours,slice": Peer("ours, one slice at a time", "ours", at_once=1, kept=True, quick=True),
    "ours,pair": Peer("ours, two slices at a time", "ours", at_once=2, kept=True, quick=True),
    "ours,compiled": Peer("ours, torch.compile", "ours", "compiled", at_once=1, kept=True),
    "ours,torchscript": Peer("ours, TorchScript", "ours", "torchscript", at_once=1, kept=True),
    "ours,onnx": Peer("ours, onnxruntime", "ours", "onnx", at_once=1, kept=True),
    "ours,openvino": Peer("ours, OpenVINO", "ours", "openvino", at_once=1, kept=True),
    "earlier,slice": Peer("ours of version 0.4.0, one slice", "earlier", at_once=1, kept=True),
    "freia,train": Peer("FrEIA, the published loop", "freia", train=True),
    "freia,train,kept": Peer("FrEIA, the published loop, blocks kept", "freia", train=True, kept=True, quick=True),
    "ours,train": Peer("ours", "ours", train=True, kept=True, quick=True),
    "ours,train,bfloat16": Peer("ours, bfloat16", "ours", train=True, kept=True, precision="bfloat16", quick=True),
    **{
        f"{OF_TABLE_1}{name}": Peer(row["name"], name, at_once=1, kept=True, quick=name not in SLOW, table1=True)
        for name, row in table1_rows().items()
    },
}


def authors_graph(jac: bool) -> nn.Module:
    """Return the authors' graph in FrEIA; `forward(x, rev)` as in their code."""
    from FrEIA.framework import GraphINN, InputNode, Node, OutputNode
    from FrEIA.modules import (
        ActNorm,
        GLOWCouplingBlock,
        IRevNetDownsampling,
        IRevNetUpsampling,
        PermuteRandom,
        Split,
    )

    def coupling(width: int) -> tuple[type, dict]:
        def subnet(inside: int, outside: int) -> nn.Module:
            first, second = nn.Conv2d(inside, width, 3, padding=1), nn.Conv2d(width, outside, 3, padding=1)
            return nn.Sequential(first, nn.ReLU(), second, nn.ReLU())

        return GLOWCouplingBlock, {"subnet_constructor": subnet, "clamp": 2.0}

    nodes = [InputNode(2, SIZE, SIZE)]
    steps = ((ActNorm, {}), coupling(32), (PermuteRandom, {}), (IRevNetDownsampling, {}), coupling(64))
    steps += ((PermuteRandom, {}), (IRevNetUpsampling, {}), coupling(32), (Split, {}))
    for module, settings in steps:
        nodes.append(Node(nodes[-1], module, settings))
    graph = GraphINN([*nodes, OutputNode(nodes[-1].out0), OutputNode(nodes[-1].out1)])

    class Both(nn.Module):
        """Both directions as the authors run them, with our method names."""

        def __init__(self) -> None:
            super().__init__()
            self.graph = graph

        def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            (fused, latent), _ = self.graph(image, jac=jac)
            return torch.sigmoid(fused), latent

        def inverse(self, fused: torch.Tensor, latent: torch.Tensor) -> torch.Tensor:
            return torch.sigmoid(self.graph([fused, latent], rev=True, jac=jac)[0])

    return Both()


def build(peer: Peer, device: str, exported_dir: str) -> nn.Module:
    """Build the network of a peer."""
    if peer.table1:
        return build_method(peer.network).to(device, memory_format=torch.channels_last)
    if peer.network == "freia":
        return authors_graph(peer.jac).to(device)
    if peer.network == "published":
        from fusioninn_research.methods import PublishedFusionINN

        return PublishedFusionINN().to(device, memory_format=torch.channels_last)
    if peer.network == "earlier":
        from scripts.networks import FusionINN

        return FusionINN(blocks=6).eval().to(device, memory_format=torch.channels_last)
    from monai.bundle import ConfigParser

    config = ConfigParser()
    config.read_config(str(BUNDLE / "configs" / "inference.json"))
    if peer.runtime not in ("eager", "compiled"):
        config.update({"runtime": peer.runtime, "exported_dir": exported_dir})
    config.update({"device": device})
    network = config.get_parsed_content("network")
    if peer.runtime == "compiled":
        network.forward = torch.compile(network.forward)
        network.inverse = torch.compile(network.inverse)
    return network


def seconds(run: Callable[[], object], repeats: int, device: str) -> float:
    """Return the median time after a warm-up run; with no repeats the time of that run."""
    times = []
    for _ in range(repeats + 1):
        start = time.perf_counter()
        run()
        if device == "cuda":
            torch.cuda.synchronize()
        times.append(time.perf_counter() - start)
    return statistics.median(times[1:] or times)


def training_step(peer: Peer, network: nn.Module, image: torch.Tensor) -> Callable[[], None]:
    """Return a training step: both directions, all losses, backward and optimizer, as in each peer's own training."""
    from monai.losses import SSIMLoss

    from scripts.inferers import BidirectionalInferer
    from scripts.losses import FusionINNLoss, MMDLoss

    network.train()
    if peer.network == "ours":
        network.requires_grad_(True)
        loss_function, inferer = FusionINNLoss().to(image.device), BidirectionalInferer(precision=peer.precision)

        def loss() -> torch.Tensor:
            return loss_function(inferer(image, network), image)

    else:
        # SSIM of MONAI: a full window, as theirs.
        ssim, mmd, l2 = SSIMLoss(2).to(image.device), MMDLoss("published"), nn.functional.mse_loss

        def loss() -> torch.Tensor:
            fused, latent = network(image)
            back = network.inverse(fused, torch.randn_like(latent))
            pairs = [(fused, one) for one in image.split(1, dim=1)]
            pairs += zip(back.split(1, dim=1), image.split(1, dim=1), strict=True)
            return mmd(latent) + sum(0.8 * ssim(got, one) + 0.2 * l2(got, one) for got, one in pairs)

    # FrEIA's permutations are integer parameters.
    optimizer = torch.optim.Adam([p for p in network.parameters() if p.requires_grad], lr=1e-6)

    def step() -> None:
        optimizer.zero_grad()
        loss().backward()
        optimizer.step()

    return step


def layer_bytes(network: nn.Module, run: Callable[[], object]) -> int:
    """Return the bytes that convolutions read and write in one run, each value once per layer."""
    found = []

    def count(_: nn.Module, inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
        found.append((inputs[0].numel() + output.numel()) * 4)

    hooks = [m.register_forward_hook(count) for m in network.modules() if isinstance(m, (nn.Conv2d, nn.Conv3d))]
    run()
    for hook in hooks:
        hook.remove()
    return sum(found)


def hardware(device: str) -> dict[str, float]:
    """Measure the matrix-product rate in FLOP/s and the copy bandwidth, read and write, in bytes/s."""
    side = 8192 if device == "cuda" else 1536
    a, b = torch.rand(side, side, device=device), torch.rand(side, side, device=device)
    product = seconds(lambda: torch.mm(a, b), 5, device)
    source = torch.rand(2**26, device=device)
    target = torch.empty_like(source)
    return {
        "flops": 2 * side**3 / product,
        "bandwidth": 8 * source.numel() / seconds(lambda: target.copy_(source), 5, device),
    }


def child(options: argparse.Namespace) -> dict[str, Any]:
    """Measure one peer, several methods of Table 1, or the hardware."""
    torch.manual_seed(0)
    if options.threads:
        torch.set_num_threads(options.threads)
    if options.child == "methods":
        return methods(options)
    if options.child == "hardware":
        found = hardware(options.device)
        peer = Peer("", "ours")
        network = build(peer, options.device, "")
        image = torch.rand(1, 2, SIZE, SIZE, device=options.device)
        with torch.no_grad():
            found["layer_bytes"] = layer_bytes(network, lambda: network(image))
            with FlopCounterMode(display=False) as counter:
                network(image)
            found["fuse_flops"] = counter.get_total_flops()
        step = training_step(peer, network, image)
        with FlopCounterMode(display=False) as counter:
            step()
        return found | {"train_flops": counter.get_total_flops()}
    peer = PEERS[options.child]
    network = build(peer, options.device, options.exported_dir)
    image = torch.rand(options.batch, 2, SIZE, SIZE, device=options.device)
    if peer.network != "freia":
        image = image.contiguous(memory_format=torch.channels_last)
    if peer.train:
        return {"train": seconds(training_step(peer, network, image), max(1, options.repeats // 2), options.device)}
    network.eval()
    parts = image.split(peer.at_once or options.batch)
    with torch.no_grad():
        pairs = [network(part) for part in parts]
        found = {
            "fuse": seconds(lambda: [network(part) for part in parts], options.repeats, options.device),
            "decompose": seconds(lambda: [network.inverse(*pair) for pair in pairs], options.repeats, options.device),
        }
    return {key: value / options.batch for key, value in found.items()}


def method_times(network: nn.Module, parts: Sequence[torch.Tensor], options: argparse.Namespace) -> dict[str, float]:
    """Measure a method of Table 1: fusing, and decomposing if it can. A slow one gets fewer slices.

    Args:
        network: the method.
        parts: slices, one in each part.
        options: "repeats" and "device".
    """
    fuse = fusing(network)
    with torch.no_grad():
        first = seconds(lambda: fuse(parts[0]), 0, options.device)
        if first > ONCE_SECONDS:
            return {"fuse": first}
        taken = parts[: max(1, int(ENOUGH_SECONDS / first))]
        found = {"fuse": seconds(lambda: [fuse(part) for part in taken], options.repeats, options.device)}
        if hasattr(network, "inverse"):
            pairs = [network(part) for part in taken]
            found["decompose"] = seconds(
                lambda: [network.inverse(*pair) for pair in pairs], options.repeats, options.device
            )
    return {key: value / len(taken) for key, value in found.items()}


def methods(options: argparse.Namespace) -> dict[str, dict]:
    """Measure methods of Table 1, one after the other; one that fails has an "error" in place of its times.

    Args:
        options: "peers", their names, and how they are measured.
    """
    image = torch.rand(options.batch, 2, SIZE, SIZE, device=options.device)
    parts = image.contiguous(memory_format=torch.channels_last).split(1)
    found: dict[str, dict] = {}
    for name in options.peers:
        try:
            found[name] = method_times(build(PEERS[name], options.device, ""), parts, options)
        except Exception as error:
            found[name] = {"error": (str(error) or type(error).__name__).splitlines()[0]}
    return found


def export(folder: str, names: list[str]) -> None:
    """Write the exports that the peers need, without checking parity (see `research/configs/parity.json`)."""
    wanted = {PEERS[name].runtime for name in names}
    formats = ["torchscript"] * ("torchscript" in wanted) + ["onnx"] * bool(wanted & {"onnx", "openvino"})
    if formats:
        from monai.bundle import ConfigParser

        config = ConfigParser()
        config.read_config([str(BUNDLE / "configs" / name) for name in ("inference.json", "export.json")])
        config.update({"output_dir": folder})
        exporter = config.get_parsed_content("exporter")
        for one in formats:
            getattr(exporter, one)()


def plot(path: Path, rows: dict[str, dict], floors: dict[str, float], title: str) -> None:
    """Plot bars of milliseconds per slice, with the floors as lines."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    figure, both = plt.subplots(1, 2, figsize=(15, 5), layout="constrained")
    for axes, kinds in zip(both, (("fuse", "decompose"), ("train",)), strict=True):
        shown = [name for name, row in rows.items() if kinds[0] in row and not PEERS[name].table1]
        for i, kind in enumerate(kinds):
            places = [place + 0.4 * i for place in range(len(shown))]
            axes.barh(places, [1e3 * rows[name][kind] for name in shown], 0.4, label=kind)
        axes.axvline(1e3 * floors[kinds[0]], color="black", linestyle="--", label="floor: FLOPs / matrix product")
        axes.set_yticks(range(len(shown)), [PEERS[name].label for name in shown])
        axes.invert_yaxis()
        axes.set_xlabel("ms a step" if kinds == ("train",) else "ms a slice")
        axes.legend(loc="best")
    figure.suptitle(title)
    figure.savefig(path, dpi=120)
    plt.close(figure)


def table(rows: dict[str, dict], floors: dict[str, float], reference: str, kinds: tuple[str, ...]) -> list[str]:
    """Return Markdown with times, speed relative to the reference, and ratio to the floor."""
    unit = "ms a step" if kinds == ("train",) else "ms a slice"
    heads = [f"{kind}, {unit}" for kind in kinds] + ["as fast as the first", "times the floor"]
    lines = [f"| peer | {' | '.join(heads)} |", "|---" * (1 + len(heads)) + "|"]
    for name, row in rows.items():
        if PEERS[name].table1:
            continue
        if "error" in row and PEERS[name].train == (kinds == ("train",)):
            lines.append(f"| {PEERS[name].label} | {row['error'][:90]} |" + " |" * (len(heads) - 1))
        if kinds[0] not in row:
            continue
        times = " | ".join(f"{1e3 * row[kind]:.1f}" for kind in kinds)
        first = rows.get(reference, {}).get(kinds[0])
        faster = f"{first / row[kinds[0]]:.1f} x" if first else ""
        lines.append(f"| {PEERS[name].label} | {times} | {faster} | {row[kinds[0]] / floors[kinds[0]]:.1f} |")
    return lines


def methods_table(rows: dict[str, dict]) -> list[str]:
    """Return Markdown with the time of the methods of Table 1, next to the quality that Table 1 has for them.

    Args:
        rows: what was measured, by the name of the peer. Peers that are not of Table 1 are left out.
    """
    found = {name: row for name, row in rows.items() if PEERS[name].table1}
    (shipped,) = (name for name, peer in PEERS.items() if peer.table1 and "ckpt_path" in table1_rows()[peer.network])
    ours = rows.get(shipped, {}).get("fuse")
    scores = quality()
    lines = [
        "| method | fuse, ms a slice | decompose, ms a slice | times ours | SSIM fused, brain | decomposed, brain |",
        "|---|---|---|---|---|---|",
    ]
    for name, row in found.items():
        label = PEERS[name].label
        if "error" in row:
            lines.append(f"| {label} | {row['error'][:90]} |" + " |" * 4)
            continue
        times = " | ".join(f"{1e3 * row[kind]:.1f}" if kind in row else "–" for kind in ("fuse", "decompose"))
        relative = _times(row["fuse"] / ours) if ours else ""
        lines.append(f"| {label} | {times} | {relative} | {scores[label]['fused']} | {scores[label]['decomposed']} |")
    return lines


def _times(ratio: float) -> str:
    return f"{ratio:.0f}" if ratio >= 10 else f"{ratio:.1f}" if ratio >= 0.1 else "under 0.1"


def show(name: str, row: dict) -> None:
    """Print what was measured of a peer."""
    told = ", ".join(f"{k} {1e3 * v:.1f} ms" if k != "error" else v for k, v in row.items())
    print(f"  {PEERS[name].label}: {told}", flush=True)


def main() -> None:
    """Print the tables, write the files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer peers and repetitions")
    parser.add_argument("--peers", nargs="+", choices=PEERS, metavar="PEER", help=f"of {'; '.join(PEERS)}")
    parser.add_argument("--batch", type=int, help="slices (16; 8 with --quick)")
    parser.add_argument("--repeats", type=int, help="number of measurements for the median (7; 3 with --quick)")
    parser.add_argument("--threads", type=int, default=0, help="threads (default: torch's)")
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    parser.add_argument("--output_dir", type=Path, default=OUTPUT)
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--exported_dir", default="", help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.batch = options.batch or (8 if options.quick else 16)
    options.repeats = options.repeats or (3 if options.quick else 7)
    if options.child:
        print(json.dumps(child(options)))
        return
    if options.threads:
        torch.set_num_threads(options.threads)
    names = options.peers or [name for name, peer in PEERS.items() if peer.quick or not options.quick]
    common = [
        word for key in ("batch", "repeats", "threads", "device") for word in (f"--{key}", str(getattr(options, key)))
    ]
    title = f"{options.batch} slices of {SIZE} x {SIZE}; {machine(options.device)}"
    print(title, flush=True)
    rows: dict[str, dict] = {}
    with tempfile.TemporaryDirectory() as folder:
        export(folder, names)
        rates = measure(__file__, ["--child", "hardware", *common], KEEP_LARGE_BLOCKS)
        if "error" in rates:
            raise SystemExit(rates["error"])
        for name in (name for name in names if not PEERS[name].table1):
            environment = KEEP_LARGE_BLOCKS if PEERS[name].kept else {}
            rows[name] = measure(__file__, ["--child", name, *common, "--exported_dir", folder], environment)
            show(name, rows[name])
    of_table1 = [name for name in names if PEERS[name].table1]
    if of_table1:
        found = measure(__file__, ["--child", "methods", *common, "--peers", *of_table1], KEEP_LARGE_BLOCKS)
        for name in of_table1:
            rows[name] = found if "error" in found else found[name]
            show(name, rows[name])
    floors = {
        "fuse": rates["fuse_flops"] / rates["flops"],
        "train": options.batch * rates["train_flops"] / rates["flops"],
    }
    lines = [
        title,
        "",
        f"Matrix product {rates['flops'] / 1e9:.0f} GFLOP/s, copy {rates['bandwidth'] / 1e9:.1f} GB/s. Ours: "
        f"{rates['fuse_flops'] / 1e9:.2f} GFLOP a slice, {1e3 * floors['fuse']:.1f} ms at that rate (the floor); "
        f"layers read and write {rates['layer_bytes'] / 1e6:.0f} MB, "
        f"{1e3 * rates['layer_bytes'] / rates['bandwidth']:.1f} ms where they are not kept in cache.",
    ]
    for heading, reference, kinds in (
        ("Fusing and decomposing", "freia", ("fuse", "decompose")),
        ("Training step", "freia,train" if "freia,train" in rows else "freia,train,kept", ("train",)),
    ):
        lines += ["", f"{heading}:", "", *table(rows, floors, reference, kinds)]
    if any(PEERS[name].table1 for name in rows):
        lines += ["", f"{OF_METHODS}:", "", *methods_table(rows)]
    options.output_dir.mkdir(parents=True, exist_ok=True)
    (options.output_dir / "speed.md").write_text("\n".join(lines) + "\n")
    figures = {"machine": title, "hardware": rates, "floors": floors, "peers": rows}
    (options.output_dir / "speed.json").write_text(json.dumps(figures, indent=2) + "\n")
    plot(options.output_dir / "speed.png", rows, floors, title)
    print("\n".join(["", *lines, "", f"{options.output_dir}: speed.md, speed.json, speed.png"]))


if __name__ == "__main__":
    main()
