"""Value 40 runs x 1M samples from stored signals, and show how the cost grows with the samples.

    python benchmarks/valuation/scale.py [SAMPLES ...]
    python benchmarks/valuation/scale.py --parts [SAMPLES ...]

Prints seconds and peak memory of one valuation each, in a process of its own; with --parts of one
that writes its table part by part.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

RUNS = 40


def one(samples: int, runs: int, *, parts: bool) -> dict[str, float]:
    """Value made-up signals: half of the samples are members of every run.

    In parts the verdicts are also judged and written, which the whole does when asked.
    """
    import pryproof as pp  # noqa: PLC0415 - its start belongs to the process that is measured

    rng = np.random.default_rng(0)
    ease = rng.normal(size=samples)
    said = np.empty((runs, samples))
    for row in said:
        row[:] = ease + rng.standard_normal(samples)
    member = np.zeros((runs, samples), dtype=bool)
    member[:, : samples // 2] = True
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        given = {"log_mentropy": said, "member": member}
        found = pp.value(given, folder=folder if parts else None)
        seconds = time.perf_counter() - start
        written = found.path.stat().st_size / 1e6 if found.path else 0.0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {
        "samples": samples,
        "runs": runs,
        "seconds": round(seconds, 2),
        "mb_input": round(before),
        "mb_peak": round(peak),
        "mb_written": round(written),
        "overlap_50": found.overlap().ratio.value,
    }


def main() -> None:
    """Measure every size, and its seconds over n log n relative to the first."""
    if len(sys.argv) > 1 and sys.argv[1] == "--one":
        parts = sys.argv[4] == "parts"
        print(json.dumps(one(int(sys.argv[2]), int(sys.argv[3]), parts=parts)))
        return
    way = "parts" if sys.argv[1:2] == ["--parts"] else "whole"
    # ten million samples of 40 runs only fit in parts: fewer runs show the growth
    sizes = [(int(size), RUNS) for size in sys.argv[1:] if size != "--parts"] or [
        (100_000, RUNS),
        (1_000_000, RUNS),
        (1_000_000, 4),
        (10_000_000, 4),
    ]
    for samples, runs in sizes:
        words = [sys.executable, str(Path(__file__)), "--one", str(samples), str(runs), way]
        done = subprocess.run(words, capture_output=True, text=True, check=True)
        found = json.loads(done.stdout)
        found["ns_per_n_log_n_run"] = round(
            1e9 * found["seconds"] / (samples * np.log2(samples) * runs), 3
        )
        print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
