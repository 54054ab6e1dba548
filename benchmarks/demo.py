"""Time the demo: seconds per stage, images trained on per second, peak memory. ``make bench``."""

import json
import platform
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import pyarrow.parquet as pq

import pryproof as pp

RESULTS = Path(__file__).parent / "results"


def main() -> None:
    """Run the demo in a fresh workspace and write ``results/demo-DATE.json``."""
    with tempfile.TemporaryDirectory() as folder:
        workspace = Path(folder) / "demo"
        command = [sys.executable, "-m", "pryproof", "demo", "--workspace", str(workspace)]
        started = time.perf_counter()
        peak = peak_megabytes(command)
        wall = time.perf_counter() - started
        started = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        again = time.perf_counter() - started
        runs = pq.read_table(workspace / "runs.parquet").to_pylist()
        stages = stage_seconds(workspace)
    trained = sum(run["epochs"] * run["trained_on"] for run in runs)
    seconds = sum(run["seconds"] for run in runs)
    found = {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "machine": f"{platform.machine()}, {platform.system()}, Python {platform.python_version()}",
        "processor": processor(),
        "wall_seconds": round(wall, 1),
        "wall_seconds_second_time": round(again, 1),
        "core_seconds_by_stage": stages,
        "images_trained_per_core_second": round(trained / seconds),
        "training_runs": len(runs),
        "peak_megabytes_of_all_processes": round(peak),
    }
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"demo-{found['date']}.json"
    path.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(found, indent=1))
    print(path)


def peak_megabytes(command: list[str]) -> float:
    """Run a command; return the most memory its processes held at once (resident, Linux).

    Pages that processes share count once for each, so the true peak is lower.
    """
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    peak = 0.0
    while running.poll() is None:
        peak = max(peak, resident_megabytes(running.pid))
        time.sleep(0.5)
    if running.returncode:
        raise SystemExit(running.returncode)
    return peak


def resident_megabytes(root: int) -> float:
    """Add up the resident memory of a process and its descendants."""
    parents, sizes = {}, {}
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            fields = dict(line.split(":", 1) for line in status.read_text().splitlines())
        except OSError:  # ended meanwhile
            continue
        pid = int(status.parent.name)
        parents[pid] = int(fields["PPid"])
        sizes[pid] = int(fields.get("VmRSS", "0 kB").split()[0]) / 1e3
    family = {root}
    while more := {pid for pid, parent in parents.items() if parent in family} - family:
        family |= more
    return sum(sizes.get(pid, 0.0) for pid in family)


def stage_seconds(workspace: Path) -> dict[str, float]:
    """Return the core seconds of every stage, all folds together."""
    study = pp.Study(workspace, settings=pp.demo())
    return {stage: round(seconds, 1) for stage, seconds in study.costs().items()}


def processor() -> str:
    """Name the processor, where the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), "")


if __name__ == "__main__":
    main()
