"""One search by a peer, for ``neighbours.py``: no import of the package, in another Python.

IndexFlatL2 (faiss-cpu) takes float32 vectors and searches them for their 2 nearest (themselves
and another). SDMetrics' DCR is made for tables: it is given the first values of each image as
columns, one half as fakes and the other as training rows and hold-out.
"""

import json
import os
import sys
import time
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np


def main() -> None:
    """Search once and print what it took as one line of JSON."""
    name, path, size, width = sys.argv[1:]
    rows = np.load(Path(path), mmap_mode="r")[: int(size)].reshape(-1, 3072)
    load = os.getloadavg()[0]
    took = {"IndexFlatL2": flat, "DCR": dcr}[name](np.asarray(rows), int(width))
    took["peak_gb"] = peak_gb()
    took["load_before"] = round(load, 2)
    print(json.dumps(took))


def peak_gb() -> float:
    """Return this process's own peak, which a parent's does not enter (Linux)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    peak = next(line for line in lines if line.startswith("VmHWM"))
    return round(int(peak.split()[1]) / 2**20, 2)


def flat(rows: np.ndarray, _: int) -> dict[str, Any]:
    """Search images in themselves; float32 distances, not exact ones."""
    faiss = import_module("faiss")
    vectors = rows.astype(np.float32)
    before, start = time.process_time(), time.monotonic()
    index = faiss.IndexFlatL2(vectors.shape[1])
    index.add(vectors)
    index.search(vectors, 2)
    return told(
        f"faiss {version('faiss-cpu')} IndexFlatL2", (before, start), (len(rows), len(rows)), rows
    )


def dcr(rows: np.ndarray, width: int) -> dict[str, Any]:
    """Measure the share of fakes nearer to training rows, all columns numbers."""
    frame = import_module("pandas").DataFrame
    metric = import_module("sdmetrics.single_table").DCROverfittingProtection
    names = [f"x{column}" for column in range(width)]
    table = frame(rows[:, :width].astype(float), columns=names)
    each = len(rows) // 2
    columns = {name: {"sdtype": "numerical"} for name in names}
    before, start = time.process_time(), time.monotonic()
    metric.compute(
        real_training_data=table[:each],
        synthetic_data=table[each:],
        real_validation_data=table[each:].reset_index(drop=True),
        metadata={"tables": {"images": {"columns": columns}}},
        table_name="images",
    )
    who = f"SDMetrics {version('sdmetrics')} DCROverfittingProtection"
    return told(who, (before, start), (each, 2 * each), rows[:, :width])


def told(
    who: str, since: tuple[float, float], sizes: tuple[int, int], rows: np.ndarray
) -> dict[str, Any]:
    """Sum up one search."""
    before, start = since
    return {
        "who": who,
        "images": "in themselves",
        "queries": sizes[0],
        "among": sizes[1],
        "width": rows.shape[1],
        "seconds": round(time.monotonic() - start, 2),
        "core_seconds": round(time.process_time() - before, 2),
    }


if __name__ == "__main__":
    main()
