"""Generate digital phantoms: ``python -m scripts.phantom --output_dir bundle/example`` with `bundle` on the path."""

from __future__ import annotations

import argparse
import logging

from .files import write_description, write_phantom


def main() -> None:
    """Write one or several phantoms with consecutive seeds."""
    parser = argparse.ArgumentParser(prog="python -m scripts.phantom", description="Make digital brain phantoms.")
    parser.add_argument("--output_dir", required=True, help="folder for the phantoms' folders")
    parser.add_argument("--seed", type=int, default=2018, help="seed of the first phantom (default 2018)")
    parser.add_argument("--count", type=int, default=1, help="how many, with seeds seed, seed + 1, … (default 1)")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    seeds = {f"phantom-{number + 1:02d}": arguments.seed + number for number in range(arguments.count)}
    for name, seed in seeds.items():
        write_phantom(arguments.output_dir, name, seed)
    write_description(arguments.output_dir, seeds)


if __name__ == "__main__":
    main()
