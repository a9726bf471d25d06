"""Time of the fusion metrics on 240 x 240 triples, compared with plain NumPy, and their memory.

    python benchmarks/metrics.py [--batches 1 16 64] [--threads 1 2] [--repeats 3] [--device cuda] [--clock cpu]

The triple is tests/metrics/reference's brain240_mean: a brain on a black background. Each figure is the best of the
repeats, in ms per triple; the NumPy figure is of one triple and one thread. The code published with FusionINN takes
140 to 430 s for such a triple under Octave 7.3 (measured once, when the reference values were made; not run here).
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
from shipped import BUNDLE

sys.path.insert(0, str(BUNDLE.parent / "tests" / "metrics"))

import definition

from scripts.metrics import FUSION_METRICS, fusion_scores

TRIPLES = Path(definition.__file__).parent / "reference" / "triples.npz"
ALL = "all five"
CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 16, 64], help="triples in a batch")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2], help="threads of the CPU")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--clock", choices=CLOCKS, default="wall", help="cpu: time of all threads, for a busy machine")
    return parser.parse_args(arguments)


def best(function: Callable[[], object], repeats: int, clock: Callable[[], float]) -> float:
    """Return the shortest time in ms."""
    times = []
    for _ in range(repeats):
        start = clock()
        function()
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        times.append(clock() - start)
    return 1000 * min(times)


def peak_memory() -> float:
    """Return the peak memory of the process so far in MB."""
    scale = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale / 1e6


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    options = parse(arguments)
    clock = CLOCKS[options.clock]
    with np.load(TRIPLES) as stored:
        a, b, f = (stored[f"brain240_mean/{name}"] for name in ("a", "b", "fused"))
    sources = torch.from_numpy(np.stack((a, b))[None]).float().div(255).to(options.device)
    fused = torch.from_numpy(f[None, None]).float().div(255).to(options.device)
    metrics = {name: [name] for name in FUSION_METRICS} | {ALL: list(FUSION_METRICS)}

    columns, found, memory = [], {name: [] for name in metrics}, []
    before = peak_memory()
    for batch in options.batches:
        images = fused.repeat(batch, 1, 1, 1), sources.repeat(batch, 1, 1, 1)
        for threads in options.threads:
            torch.set_num_threads(threads)
            columns.append(f"batch {batch}, {threads} thread{'s' * (threads > 1)}")
            for name, chosen in metrics.items():
                score = partial(fusion_scores, *images, metrics=chosen)
                took = best(score, options.repeats, clock)
                found[name].append(took / batch)
        memory.append(f"batch {batch}: {peak_memory() - before:.0f} MB")
    torch.set_num_threads(1)
    plain = {name: best(partial(function, a, b, f), 1, clock) for name, function in definition.ALL.items()}
    plain[ALL] = sum(plain.values())

    lines = [f"| ms per triple | {' | '.join(columns)} | NumPy |", "|---" * (len(columns) + 2) + "|"]
    lines += [f"| {name} | {' | '.join(f'{t:.1f}' for t in row)} | {plain[name]:.0f} |" for name, row in found.items()]
    print("\n".join(lines))
    print(f"\nAdditional peak memory, including images, up to and including {', '.join(memory)}")


if __name__ == "__main__":
    main()
