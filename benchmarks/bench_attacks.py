"""Attack mathematics on one core beside real peers: ``make bench-attacks``.

Every ratio is of medians of CPU seconds taken in this one run. Peers are installed packages
(``pip install .[bench]``), and scripts from clones under ``PRYPROOF_PEERS``; what is not there is
not measured, and the table says so.
"""

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[_name] = "1"

import argparse  # noqa: E402 - the number of threads is read when libraries are loaded
import gc  # noqa: E402
import json  # noqa: E402
import math  # noqa: E402
import platform  # noqa: E402
import subprocess  # noqa: E402
from datetime import UTC, datetime  # noqa: E402
from pathlib import Path  # noqa: E402

import numpy as np  # noqa: E402

from attacks import audit, lira, rmia, roc, signals, threshold  # noqa: E402
from attacks.timing import PATIENCE, Case, extra_megabytes, median, read  # noqa: E402
from demo import processor  # noqa: E402
from pryproof.compiled import available  # noqa: E402

RESULTS = Path(__file__).parent / "results"
SUBJECTS = {
    "threshold": threshold,
    "lira": lira,
    "rmia": rmia,
    "roc": roc,
    "audit": audit,
    "signals": signals,
}


def main() -> None:
    """Measure all subjects, or those named, print the table and write ``results/``."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("subjects", nargs="*", metavar="|".join(SUBJECTS))
    parser.add_argument("--no-write", action="store_true")
    given = parser.parse_args()
    rows = []
    for name in given.subjects or SUBJECTS:
        for case in SUBJECTS[name].cases():
            rows.append(measured(case))
            gc.collect()
    found = {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "commit": commit(),
        "machine": ", ".join(
            [
                platform.machine(),
                platform.system(),
                f"Python {platform.python_version()}",
                f"NumPy {np.__version__}",
                f"Numba {'yes' if available() else 'no'}",
            ]
        ),
        "processor": processor(),
        "rows": rows,
    }
    if not given.no_write and not given.subjects:
        RESULTS.mkdir(exist_ok=True)
        path = RESULTS / f"attacks-{found['date']}.json"
        path.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        print(path)


def measured(case: Case) -> dict[str, object]:
    """Measure one case and print it line by line."""
    ours = median(case.ours)
    row: dict[str, object] = {
        "work": case.name,
        "seconds": ours,
        "extra_megabytes": round(extra_megabytes(case.ours), 1),
        "note": case.note,
    }
    said = [f"{ours * 1e3:9.1f} ms", f"+{row['extra_megabytes']:.0f} MB"]
    if case.reads:
        reading = median(read(case.reads))
        row["times_reading_the_bytes"] = round(ours / reading, 1)
        bar = f" (bar {case.most_reads:g})" if case.most_reads else ""
        said.append(f"{ours / reading:.1f} x reading the bytes{bar}")
    for kind, limit in (("seconds", case.most_seconds), ("extra_megabytes", case.most_megabytes)):
        if limit is not None:
            row[f"bar_{kind}"] = limit
            said.append(f"bar {limit:g} {kind.replace('_', ' ')}")
    row["peers"] = {}
    for name, work in case.peers.items():
        theirs = median(work, patience=PATIENCE)
        row["peers"][name] = {"seconds": theirs, "ratio": round(theirs / ours, 1)}
        bar = f" (bar {case.bar[name]:g})" if name in case.bar else ""
        said.append(f"{theirs / ours:.1f} x faster than {name}{bar}, {theirs * 1e3:.0f} ms")
    said += [f"{name} not measured" for name in case.bar if name not in case.peers]
    row["not_measured"] = [name for name in case.bar if name not in case.peers]
    row["bars"] = case.bar
    if case.growth is not None:
        seconds = [median(case.growth(size)) for size in case.sizes]
        row["growth"] = dict(zip(map(str, case.sizes), seconds, strict=True))
        power = math.log(seconds[-1] / seconds[0]) / math.log(case.sizes[-1] / case.sizes[0])
        said.append(f"grows as n^{power:.2f}")
    print(f"{case.name}\n    " + "\n    ".join(said), flush=True)
    return row


def commit() -> str:
    """Name the commit that is measured, marked where files differ from it."""
    done = subprocess.run(
        ["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=False
    )
    return done.stdout.strip()


if __name__ == "__main__":
    main()
