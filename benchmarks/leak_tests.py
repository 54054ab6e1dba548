"""Seconds of every leak test as fakes and real images grow: ``python benchmarks/leak_tests.py``.

Fakes are real images of another data set (and their mirror images, where those are too few), so
that nothing is a copy. Tests that want as many real images as hold-out ones take the first of the
real ones. Set OMP_NUM_THREADS to the cores to use, on a quiet machine.
"""

import argparse
import json
import os
import resource
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from demo import processor
from pryproof.data.sources import read
from pryproof.leakage.authenticity import authenticity
from pryproof.leakage.closeness import closeness
from pryproof.leakage.copies import copies
from pryproof.leakage.copying_test import copying_test
from pryproof.leakage.duplicates import duplicates
from pryproof.leakage.extraction import extraction
from pryproof.leakage.gan_leaks import gan_leaks
from pryproof.seeds import generator

Sets = tuple[np.ndarray, np.ndarray, np.ndarray]  # fakes, real, hold-out


def floats(sets: Sets, held: int) -> Sets:
    """Return images as rows of numbers, real and hold-out equally many."""
    fakes, real, holdout = (each.reshape(len(each), -1).astype(np.float32) for each in sets)
    return fakes, real[:held], holdout


TESTS: dict[str, Callable[[Sets], object]] = {
    "copies": lambda sets: copies(*sets),
    "closeness": lambda sets: closeness(*sets, seed=0),
    "authenticity": lambda sets: authenticity(*sets),
    "duplicates": lambda sets: duplicates(*sets[:2]),
    "C_T": lambda sets: copying_test(*floats(sets, len(sets[2])), seed=0),
    "extraction": lambda sets: extraction(sets[0], sets[1][: len(sets[2])], sets[2]),
    "GAN-Leaks": lambda sets: gan_leaks(sets[0], sets[1][: len(sets[2])], sets[2], seed=0),
}
EVEN = {"C_T", "extraction", "GAN-Leaks"}  # want as many real images as hold-out ones


def main() -> None:
    """Time every test at every size, print the table and write it where asked."""
    given = arguments()
    real, fakes = drawn(given.real, given.side, given.label), drawn(given.fakes, given.side, None)
    fakes = np.concatenate([fakes, fakes[:, :, ::-1]])
    rows = []
    for size in given.sizes:
        sets = fakes[:size], real[:size], real[size:][: given.holdout]
        for name in given.tests:
            start, busy = time.monotonic(), time.process_time()
            TESTS[name](sets)
            rows.append(
                {
                    "test": name,
                    "fakes": len(sets[0]),
                    "real": len(sets[2 if name in EVEN else 1]),
                    "holdout": len(sets[2]),
                    "seconds": round(time.monotonic() - start, 2),
                    "core_seconds": round(time.process_time() - busy, 2),
                    "peak_gb_so_far": round(
                        resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2
                    ),
                }
            )
            print(rows[-1], flush=True)
            if given.out:  # after each, so that an interruption loses one test only
                given.out.write_text(json.dumps(about(given) | {"rows": rows}, indent=1) + "\n")


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--real", type=Path, required=True, help="images: real and hold-out")
    parser.add_argument("--label", help="column of the real images' labels")
    parser.add_argument("--fakes", type=Path, required=True, help="other images, in place of fakes")
    parser.add_argument("--side", type=int, default=32, help="resize to so many pixels")
    parser.add_argument("--sizes", type=int, nargs="+", default=(5_000, 20_000, 50_000))
    parser.add_argument("--tests", nargs="+", choices=TESTS, default=tuple(TESTS))
    parser.add_argument("--holdout", type=int, default=10_000)
    parser.add_argument("--out", type=Path, help="write the figures to this JSON file")
    return parser.parse_args()


def drawn(path: Path, side: int, label: str | None) -> np.ndarray:
    """Return all images of a folder in random order."""
    images = read(str(path), resize=side, label=label).samples.images
    return images[generator(0, "leak tests").permutation(len(images))]


def about(given: argparse.Namespace) -> dict[str, object]:
    """Say when, of what and on what machine."""
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "real": given.real.name,
        "fakes": given.fakes.name,
        "side": given.side,
        "processor": processor(),
        "threads": os.environ.get("OMP_NUM_THREADS", "all"),
        "load_at_the_end": round(os.getloadavg()[0], 2),
    }


if __name__ == "__main__":
    main()
