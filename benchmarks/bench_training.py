"""Training speed of several runs beside a plain PyTorch script: ``make bench-training``.

The plain script trains them one after another with torch's default threads; the package with as
many one-thread workers as there are cores, channels last, in the model's better precision. Run it
on a quiet machine: beside busy neighbours the plain script's threads collapse, and nothing is fair.
``--device cuda`` trains on a GPU and also compares the ways to train several runs on one device
(``training.choices``); that has not been tried. ``--only choices`` compares the ways alone.
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
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch

from demo import processor
from pryproof.checks import ConfigurationError
from pryproof.data.sources import read
from pryproof.seeds import generator
from pryproof.training.recipe import Precision
from training import arithmetic, choices, ours
from training.plain import SIDE, Run, Work

HERE = Path(__file__).parent
CLASSES = 10  # of the synthetic images
HEADINGS = (
    "model", "ours in", "plain img/s", "ours img/s", "ratio", "of core s", "plain loss",
    "ours loss", "plain s", "ours s", "setup s", "share of peak",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How much of a model's training is measured: a minute or so for the plain script."""

    precision: Precision
    samples: int
    epochs: int
    usual: bool = True  # measured when no model is named


PLANS = {
    "mobilenet_v3_small/torchvision": Plan(precision="float32", samples=2048, epochs=4),
    "mobilenet_v3_small": Plan(precision="float32", samples=1024, epochs=4),
    "resnet18": Plan(precision="bfloat16", samples=512, epochs=2),
    "wrn_28_2": Plan(precision="bfloat16", samples=512, epochs=2, usual=False),
    "hivit_tiny/patch8": Plan(precision="bfloat16", samples=512, epochs=2),
}
BROKEN_DOWN = ("mobilenet_v3_small/torchvision", "mobilenet_v3_small")


def main() -> None:
    """Measure the usual models, or those named, print the table and write it where asked."""
    given = arguments()
    torch.set_num_threads(1)  # of this process: it measures the core's arithmetic
    rows, ways = [], {}
    with tempfile.TemporaryDirectory() as folder:
        data, classes = images(given, Path(folder))
        for name in given.models or [name for name, plan in PLANS.items() if plan.usual]:
            work = planned(name, given, data=str(data), classes=classes)
            if possible(work) and given.only != "choices":
                rows.append(measured(work, Path(folder), given))
            if possible(work) and given.only != "script":
                with tempfile.TemporaryDirectory(dir=folder) as results:
                    ways[name] = choices.compared(work, Path(results))
    if rows:
        print("\n".join(table(rows)))
    for name, found in ways.items():
        print("\n".join(chosen(name, found)))
    for row in rows:
        print("\n".join(where_the_time_goes(row)), end="")
    if given.out:
        found = about(given) | {"rows": rows, "choices": ways}
        given.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        print(given.out)


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*", metavar="|".join(PLANS))
    parser.add_argument("--out", type=Path, help="write the figures to this JSON file")
    parser.add_argument("--data", help="real images (CIFAR-100, say) instead of synthetic ones")
    parser.add_argument("--label", help="the column of --data that holds the label")
    parser.add_argument("--runs", type=int, default=4)
    parser.add_argument("--workers", type=int, help="by default one a core, on cuda one a run")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="cuda is untried")
    parser.add_argument(
        "--only", choices=("script", "choices"), help="by default on cuda both, else the script"
    )
    parser.add_argument("--quick", action="store_true", help="two tiny runs: does it work at all?")
    given = parser.parse_args()
    if unknown := set(given.models) - set(PLANS):
        parser.error(f"no plan for {', '.join(sorted(unknown))}")
    if given.quick:
        given.runs = 2
    if given.device == "cpu" and given.only is None:
        given.only = "script"
    if given.workers is None:
        given.workers = given.runs if given.device == "cuda" else min(given.runs, cores())
    return given


def cores() -> int:
    """Count the cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def images(given: argparse.Namespace, folder: Path) -> tuple[Path, int]:
    """Write the images both sides train on; return the file and the number of classes."""
    most = max(plan.samples for plan in PLANS.values())
    path = folder / "images.npz"
    if given.data is None:
        pixels, labels = synthetic(most)
        np.savez(path, images=pixels, labels=labels)
        return path, CLASSES
    samples = read(given.data, label=given.label, resize=SIDE, channels=3).samples
    if len(samples) < most:
        raise SystemExit(
            f"--data must hold at least {most} images, {given.data} has {len(samples)}"
        )
    rows = generator(0, "benchmark", "rows").permutation(len(samples))[:most]
    np.savez(path, images=samples.images[rows], labels=samples.labels[rows])
    return path, len(samples.classes)


def synthetic(samples: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw images a network can learn: one coarse pattern a class, half hidden in noise."""
    draws = generator(0, "benchmark", "images")
    coarse = draws.normal(size=(CLASSES, 4, 4, 3))
    patterns = coarse.repeat(SIDE // 4, axis=1).repeat(SIDE // 4, axis=2)
    labels = draws.integers(0, CLASSES, samples)
    noisy = patterns[labels] + draws.normal(size=(samples, SIDE, SIDE, 3))
    return np.clip(128 + 32 * noisy, 0, 255).astype(np.uint8), labels


def planned(name: str, given: argparse.Namespace, *, data: str, classes: int) -> Work:
    """Return the work of one model."""
    plan = PLANS[name]
    work = Work(
        model=name,
        data=data,
        classes=classes,
        samples=plan.samples,
        epochs=plan.epochs,
        runs=given.runs,
        precision=plan.precision,
        device=given.device,
    )
    return replace(work, samples=64, epochs=1, batch=32) if given.quick else work


def possible(work: Work) -> bool:
    """Try to build the network; one that this version does not know is left out, in words."""
    try:
        work.network(0)
    except ConfigurationError as error:
        print(f"not measured: {work.model} ({error})")
        return False
    return True


def measured(work: Work, folder: Path, given: argparse.Namespace) -> dict[str, Any]:
    """Measure both sides, one after the other, and the arithmetic of one core."""
    row: dict[str, Any] = {"model": work.model, "work": asdict(work) | {"data": given.data}}
    row["plain"] = side(work, folder, workers=0)
    row["ours"] = side(work, folder, workers=given.workers)
    row["ratio"] = round(row["plain"]["seconds"] / row["ours"]["seconds"], 2)
    row["ratio_of_core_seconds"] = round(
        row["plain"]["core_seconds"] / row["ours"]["core_seconds"], 2
    )
    row["losses_apart_in_standard_errors"] = apart(row["plain"], row["ours"], runs=work.runs)
    if work.device == "cpu":
        repeats = 1 if given.quick else 3
        row["arithmetic"] = arithmetic.distance(work, repeats=repeats)
        if work.model in BROKEN_DOWN:
            row["breakdown"] = arithmetic.breakdown(work, repeats=repeats)
    print(f"{work.model}: {row['ratio']} x", file=sys.stderr, flush=True)
    return row


def side(work: Work, folder: Path, *, workers: int) -> dict[str, Any]:
    """Do the work in workers of ours; with none, in the plain script, a process of its own."""
    with tempfile.TemporaryDirectory(dir=folder) as results:
        called = time.monotonic()
        if workers:
            ours.train_all(work, Path(results), workers=workers)
        else:
            task = folder / "work.json"
            task.write_text(json.dumps(asdict(work)), encoding="utf-8")
            command = [sys.executable, "-m", "training.plain", str(task), results]
            subprocess.run(command, check=True, cwd=HERE)
        return told(kept(Path(results)), work, called=called)


def kept(folder: Path) -> list[Run]:
    """Read the runs that were written to a folder, one file each."""
    texts = [path.read_text(encoding="utf-8") for path in sorted(folder.glob("run-*.json"))]
    return [Run(**json.loads(text)) for text in texts]


def told(runs: list[Run], work: Work, *, called: float) -> dict[str, Any]:
    """Sum up one side's runs, which it was asked for at the moment ``called``.

    The measured part goes from the first run's first step to the last run's last one. Imports,
    the start of processes and the first network are before it, as ``setup_seconds``; building the
    later networks is within it, on both sides.
    """
    first = min(run.started for run in runs)
    seconds = max(run.ended for run in runs) - first
    losses = [run.loss for run in runs]
    return {
        "seconds": round(seconds, 2),
        "images_per_second": round(work.runs * work.epochs * work.samples / seconds, 1),
        "core_seconds": round(sum(run.core_seconds for run in runs), 2),
        "setup_seconds": round(first - called, 2),
        "building_seconds": round(sum(run.building for run in runs), 2),
        "loss": round(statistics.fmean(losses), 4),
        "loss_sd": round(statistics.stdev(losses), 4) if len(losses) > 1 else None,
        "losses": [round(loss, 4) for loss in losses],
        "threads": runs[0].threads,
    }


def apart(plain: dict[str, Any], mine: dict[str, Any], *, runs: int) -> float | None:
    """Return how many standard errors ours lies above the plain script's mean final loss."""
    if runs < 2:
        return None
    error = math.sqrt((plain["loss_sd"] ** 2 + mine["loss_sd"] ** 2) / runs)
    return round((mine["loss"] - plain["loss"]) / error, 2) if error else None


def table(rows: list[dict[str, Any]]) -> Iterator[str]:
    """Write the table, line by line; losses are means and standard deviations over the runs."""
    cells = [HEADINGS, *map(line, rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for each in cells:
        yield "  ".join(cell.rjust(width) for cell, width in zip(each, widths, strict=True))
    for row in rows[:1]:
        work, mine = row["work"], row["ours"]
        yield (
            f"{work['runs']} runs, batch {work['batch']}, {SIDE} px, on {work['device']}. "
            f"plain: one after another, {row['plain']['threads']} thread(s), float32, contiguous, "
            f"DataLoader with num_workers 0; ours: workers of {mine['threads']} thread."
        )


def line(row: dict[str, Any]) -> tuple[str, ...]:
    """Write the cells of one model."""
    plain, mine = row["plain"], row["ours"]
    losses = [
        f"{each['loss']:.3f}" + (f" ± {each['loss_sd']:.3f}" if each["loss_sd"] is not None else "")
        for each in (plain, mine)
    ]
    return (
        row["model"],
        row["work"]["precision"],
        f"{plain['images_per_second']:.0f}",
        f"{mine['images_per_second']:.0f}",
        f"{row['ratio']:.2f}",
        f"{row['ratio_of_core_seconds']:.2f}",
        *losses,
        f"{plain['seconds']:.1f}",
        f"{mine['seconds']:.1f}",
        f"{plain['setup_seconds']:.1f}, {mine['setup_seconds']:.1f}",
        f"{row['arithmetic']['share_of_peak']:.1%}" if "arithmetic" in row else "-",
    )


def chosen(name: str, found: list[dict[str, Any]]) -> Iterator[str]:
    """Write how the ways to train several runs on one device compare, line by line."""
    runs, base = len(found[0]["losses"]), found[0]["seconds"]
    yield f"\n{name}, {runs} runs on one device:"
    for row in found:
        yield (
            f"  {row['way']:18} {row['seconds']:8.2f} s {row['images_per_second']:10.0f} img/s "
            f"{base / row['seconds']:6.2f} x, losses within {row['furthest_from_first']:.1e}"
        )


def where_the_time_goes(row: dict[str, Any]) -> Iterator[str]:
    """Write a model's breakdown, where there is one."""
    if "breakdown" not in row:
        return
    found = row["breakdown"]
    yield f"\n{row['model']}, a step of {found['seconds_a_step']:.3f} s on one thread:"
    yield "  " + ", ".join(f"{name} {share:.0%}" for name, share in found["shares"].items())
    gains = found["step_faster_if_depthwise_were"].items()
    yield "  if depthwise were " + ", ".join(f"{how}: {gain:.2f} x" for how, gain in gains) + "\n"


def commit() -> str:
    """Name the commit; ``bench_attacks`` has this too, but to import it sets one thread."""
    command = ["git", "describe", "--always", "--dirty"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


def about(given: argparse.Namespace) -> dict[str, Any]:
    """Say when, of what and on what machine."""
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "commit": commit(),
        "machine": f"{platform.machine()}, {platform.system()}, "
        f"Python {platform.python_version()}, torch {torch.__version__}, {cores()} cores",
        "processor": processor(),
        "load_at_the_end": round(os.getloadavg()[0], 2),
        "quick": given.quick,
        "workers": given.workers,
    }


if __name__ == "__main__":
    main()
