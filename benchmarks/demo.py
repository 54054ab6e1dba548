"""Time the demo: seconds per stage, images trained on per second, peak memory. ``make bench``."""

import json
import platform
import resource
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
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        wall = time.perf_counter() - started
        started = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        again = time.perf_counter() - started
        runs = pq.read_table(workspace / "runs.parquet").to_pylist()
        stages = stage_seconds(workspace)
    trained = sum(run["epochs"] * run["trained_on"] for run in runs)
    seconds = sum(run["seconds"] for run in runs)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e3
    found = {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "machine": f"{platform.machine()}, {platform.system()}, Python {platform.python_version()}",
        "processor": processor(),
        "wall_seconds": round(wall, 1),
        "wall_seconds_second_time": round(again, 1),
        "core_seconds_by_stage": stages,
        "images_trained_per_core_second": round(trained / seconds),
        "training_runs": len(runs),
        "largest_process_megabytes": round(peak),
    }
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"demo-{found['date']}.json"
    path.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(found, indent=1))
    print(path)


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
