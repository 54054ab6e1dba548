"""Exact nearest neighbours of images beside faiss and SDMetrics: seconds, growth, peak memory.

Every search is a process of its own. Set OMP_NUM_THREADS to the cores to use, on a quiet machine;
``load_before`` and the seconds of all cores together say how quiet it was. ``--peers PYTHON`` names
an interpreter that has faiss-cpu and sdmetrics; without it only ours is measured.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch

from demo import processor
from neighbour_peers import peak_gb
from pryproof.data.sources import read
from pryproof.distances.nearest import nearest
from pryproof.seeds import generator

HERE = Path(__file__).parent
SHARDS = ("cifar100-train-0-of-2.parquet", "cifar100-train-1-of-2.parquet")
SIZES = (10_000, 20_000, 50_000)
NOISE = 8.0  # gray levels of the noise on copies
PEER_SIZES = {"IndexFlatL2": 10_000, "DCR": 500}  # queries and rows that peers are given
DCR_WIDTH = 64  # columns that SDMetrics is given, of 3,072
HEADINGS = (
    "who", "images", "queries", "among", "width", "wall s", "core s", "peak GB", "load before",
)  # fmt: skip

Measure = Callable[[Path], dict[str, Any]]


def main() -> None:
    """Measure all, print the table and write it where asked."""
    given = arguments()
    with tempfile.TemporaryDirectory() as folder:
        path = images(given, Path(folder))
        rows: list[dict[str, Any]] = []
        for measure in [*planned(given), *peers(given)]:
            rows.append(measure(path))
            print(f"{rows[-1]}", file=sys.stderr, flush=True)
            if given.out:  # after each, so that an interruption loses one search only
                given.out.write_text(json.dumps(about(given) | {"rows": rows}, indent=1) + "\n")
    print("\n".join(table(rows)))


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder of CIFAR-100; by default smooth noise")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--noise-sizes", type=int, nargs="*", default=SIZES)
    parser.add_argument("--peers", help="a Python that has faiss-cpu and sdmetrics")
    parser.add_argument("--out", type=Path, help="write the figures to this JSON file")
    return parser.parse_args()


def planned(given: argparse.Namespace) -> Iterator[Measure]:
    """Yield our searches: the usual first, then what no search can be clever about."""
    yield from (partial(ours, kind="in themselves", size=size) for size in given.sizes)
    yield partial(ours, kind="noised copies", size=min(given.sizes))
    yield from (partial(ours, kind="random noise", size=size) for size in given.noise_sizes)


def images(given: argparse.Namespace, folder: Path) -> Path:
    """Write the images, in random order, so that a smaller search takes some of all."""
    if given.data is None:
        draw = generator(0, "neighbours", "images")
        coarse = draw.integers(0, 256, (max(given.sizes), 8, 8, 3), dtype=np.uint8)
        found = coarse.repeat(4, axis=1).repeat(4, axis=2)
    else:
        parts = [
            read(str(given.data / name), label="coarse_label").samples.images for name in SHARDS
        ]
        found = np.concatenate(parts)
    order = generator(0, "neighbours", "order").permutation(len(found))
    np.save(folder / "images.npy", found[order])
    return folder / "images.npy"


def ours(path: Path, *, kind: str, size: int) -> dict[str, Any]:
    """Measure one search in a process of its own."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return {"who": "pryproof", "images": kind} | pool.submit(search, path, kind, size).result()


def search(path: Path, kind: str, size: int) -> dict[str, Any]:
    """Search once; the peak holds Python, torch and both sides' images too."""
    among = np.load(path)[:size]
    draw = generator(0, "neighbours", kind)
    if kind == "noised copies":
        noisy = among[draw.permutation(size)].astype(np.float32)
        noisy += np.float32(NOISE) * draw.standard_normal(among.shape, dtype=np.float32)
        queries = np.clip(np.rint(noisy), 0, 255).astype(np.uint8)
        del noisy
    elif kind == "random noise":
        among = draw.integers(0, 256, among.shape, dtype=np.uint8)
        queries = draw.integers(0, 256, among.shape, dtype=np.uint8)
    else:
        queries = among
    load, before, start = os.getloadavg()[0], time.process_time(), time.monotonic()
    found = nearest(queries, among, same=queries is among)
    return {
        "queries": size,
        "among": size,
        "width": int(among[0].size),
        "seconds": round(time.monotonic() - start, 2),
        "core_seconds": round(time.process_time() - before, 2),
        "peak_gb": peak_gb(),
        "load_before": round(load, 2),
        "mean_distance": round(float(found.distance.mean()), 3),
        "threads": torch.get_num_threads(),
    }


def peers(given: argparse.Namespace) -> Iterator[Measure]:
    """Yield the searches of the peers, at sizes that they can do."""
    if given.peers is None:
        print("Peers are not measured: --peers names no Python that has them.")
        return
    for name, size in PEER_SIZES.items():
        yield partial(peer, python=given.peers, name=name, size=size)


def peer(path: Path, *, python: str, name: str, size: int) -> dict[str, Any]:
    """Measure one search of a peer in its own Python."""
    command = [python, str(HERE / "neighbour_peers.py"), name, str(path), str(size), str(DCR_WIDTH)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def table(rows: list[dict[str, Any]]) -> Iterator[str]:
    """Write the table, line by line."""
    keys = ("who", "images", "queries", "among", "width", "seconds", "core_seconds", "peak_gb",
            "load_before")  # fmt: skip
    cells = [HEADINGS, *(tuple(str(row[key]) for key in keys) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for each in cells:
        yield "  ".join(cell.rjust(width) for cell, width in zip(each, widths, strict=True))


def about(given: argparse.Namespace) -> dict[str, Any]:
    """Say when, of what and on what machine."""
    command = ["git", "describe", "--always", "--dirty"]
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "commit": subprocess.run(command, capture_output=True, text=True, check=False).stdout[:-1],
        "machine": f"{platform.machine()}, {platform.system()}, Python {platform.python_version()}"
        f", torch {torch.__version__}, NumPy {np.__version__}, {os.cpu_count()} cores",
        "processor": processor(),
        "images": "CIFAR-100 train" if given.data else "synthetic",
        "seed": 0,
        "load_at_the_end": round(os.getloadavg()[0], 2),
    }


if __name__ == "__main__":
    main()
