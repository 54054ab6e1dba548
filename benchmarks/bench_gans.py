"""Training speed of both GANs beside plain PyTorch scripts: ``python benchmarks/bench_gans.py``.

Each script trains its runs one after another with torch's default threads, and with one thread; the
package one after another with one thread, and as many one-thread processes at once as there are
cores. All ways train the same networks on the same images with the same settings; their losses
stand beside each other. Run it on a quiet machine: beside busy neighbours threads collapse.
"""

import argparse
import json
import math
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

import torch

from demo import processor

HERE = Path(__file__).parent
GANS = {"tac": "gans.plain_tac_gan", "cycle": "gans.cycle"}
HEADINGS = (
    "way", "images/s", "core s", "ratio", "of core s", "losses", "apart in s.e.",
)  # fmt: skip


def main() -> None:
    """Measure the plans asked for, print the table and write it where asked."""
    given = arguments()
    rows = []
    for gan in GANS if given.gan == "all" else (given.gan,):
        for name, work in plans(gan, given).items():
            rows.append(measured(gan, name, work))
            print("\n".join(table(rows[-1])), flush=True)
    found = about() | {"quick": given.quick, "rows": rows}
    if given.out:
        given.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        print(given.out)


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--gan", choices=(*GANS, "all"), default="all")
    parser.add_argument("--plan", help="only plans whose name contains this")
    parser.add_argument("--runs", type=int, help="runs of each way, the plan's own by default")
    parser.add_argument("--precision", choices=("float32", "bfloat16"), help="of ours")
    parser.add_argument("--frozen", action="store_true", help="spare the script useless gradients")
    parser.add_argument("--out", type=Path, help="write the figures to this JSON file")
    parser.add_argument("--quick", action="store_true", help="two tiny runs: does it work at all?")
    return parser.parse_args()


def plans(gan: str, given: argparse.Namespace) -> dict[str, Any]:
    """Return the plans of one GAN, changed as the command line says."""
    changes = {
        name: value
        for name in ("runs", "precision", "frozen")
        if (value := getattr(given, name)) not in (None, False)
    }
    found = {}
    for name, work in import_module(GANS[gan]).PLANS.items():
        known = {key: value for key, value in changes.items() if hasattr(work, key)}
        if given.quick:
            known |= {"runs": 2, "steps": 2, "batch": 8}
        if not given.plan or given.plan in name:
            found[name] = replace(work, **known)
    return found


def measured(gan: str, name: str, work: Any) -> dict[str, Any]:  # noqa: ANN401 - one of several
    """Train all runs all ways, one way after the other."""
    cores = len(os.sched_getaffinity(0))
    ways = {
        "plain, default threads": way(gan, "plain", work, processes=1, threads=cores),
        "plain, 1 thread": way(gan, "plain", work, processes=1, threads=1),
        "ours, 1 thread": way(gan, "ours", work, processes=1, threads=1),
        f"ours, {cores} at once": way(gan, "ours", work, processes=cores, threads=1),
    }
    best = max(
        (found for told, found in ways.items() if told.startswith("plain")),
        key=lambda found: found["images_per_second"],
    )
    for found in ways.values():
        found["ratio"] = round(found["images_per_second"] / best["images_per_second"], 2)
        found["ratio_of_core_seconds"] = round(best["core_seconds"] / found["core_seconds"], 2)
        found["apart"] = {
            loss: apart(best["losses"][loss], found["losses"][loss]) for loss in found["losses"]
        }
    return {"gan": gan, "plan": name, "work": asdict(work), "ways": ways}


def way(gan: str, side: str, work: Any, *, processes: int, threads: int) -> dict[str, Any]:  # noqa: ANN401 - one of several
    """Train all runs on one side, in so many processes of so many threads."""
    environment = os.environ | {"OMP_NUM_THREADS": str(threads)}
    with tempfile.TemporaryDirectory() as folder:
        task = Path(folder) / "work.json"
        task.write_text(json.dumps(asdict(work)), encoding="utf-8")
        command = [sys.executable, "-m", "gans.one", GANS[gan], side, str(task), folder]
        running = [
            subprocess.Popen(
                [*command, *map(str, range(first, work.runs, processes))],
                cwd=HERE,
                env=environment,
            )
            for first in range(min(processes, work.runs))
        ]
        if any(process.wait() for process in running):
            raise SystemExit(f"{gan}, {side}: a run failed, see above")
        texts = [path.read_text(encoding="utf-8") for path in sorted(Path(folder).glob("run-*"))]
    return told([json.loads(text) for text in texts], work)


def told(runs: list[dict[str, Any]], work: Any) -> dict[str, Any]:  # noqa: ANN401 - one of several
    """Sum up one way's runs, from the first one's start to the last one's end."""
    seconds = max(run["ended"] for run in runs) - min(run["started"] for run in runs)
    return {
        "seconds": round(seconds, 2),
        "images_per_second": round(work.runs * work.images / seconds, 1),
        "core_seconds": round(sum(run["core_seconds"] for run in runs), 2),
        "threads": runs[0]["threads"],
        "losses": {
            name: [round(run["losses"][name], 4) for run in runs] for name in runs[0]["losses"]
        },
    }


def apart(plain: list[float], mine: list[float]) -> float | None:
    """Return how many standard errors ours lies above the plain script's mean loss."""
    if len(plain) < 2:
        return None
    error = math.sqrt((statistics.variance(plain) + statistics.variance(mine)) / len(plain))
    difference = statistics.fmean(mine) - statistics.fmean(plain)
    return round(difference / error, 2) if error else None


def table(row: dict[str, Any]) -> Iterator[str]:
    """Write the table of one plan, line by line; ratios are to the faster plain way."""
    work = row["work"]
    yield f"\n{row['gan']}: {row['plan']}, batch {work['batch']}, {work['steps']} steps,"
    yield f"ours in {work['precision']}, n = {work['runs']} runs; losses: means of the last quarter"
    cells = [HEADINGS, *(line(*each) for each in row["ways"].items())]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for each in cells:
        yield "  ".join(cell.rjust(width) for cell, width in zip(each, widths, strict=True))


def line(name: str, found: dict[str, Any]) -> tuple[str, ...]:
    """Write the cells of one way."""
    return (
        name,
        f"{found['images_per_second']:.1f}",
        f"{found['core_seconds']:.1f}",
        f"{found['ratio']:.2f}",
        f"{found['ratio_of_core_seconds']:.2f}",
        ", ".join(f"{loss} {statistics.fmean(n):.3f}" for loss, n in found["losses"].items()),
        ", ".join(f"{value}" for value in found["apart"].values()),
    )


def about() -> dict[str, Any]:
    """Say when, of what and on what machine."""
    command = ["git", "describe", "--always", "--dirty"]
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "commit": subprocess.run(
            command, capture_output=True, text=True, check=False
        ).stdout.strip(),
        "machine": f"{platform.machine()}, {platform.system()}, Python {platform.python_version()},"
        f" torch {torch.__version__}, {len(os.sched_getaffinity(0))} cores",
        "processor": processor(),
        "load_at_the_end": round(os.getloadavg()[0], 2),
    }


if __name__ == "__main__":
    main()
