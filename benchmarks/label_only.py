"""What an attack that reads labels alone finds under each row of a stored ``reproduce frontier``.

``python benchmarks/label_only.py --folder cifar-small --size small --data cifar-100 --set ...``
with the settings of the reproduction: its classifiers are asked again, nothing is trained. Every
image is shown in ten views (moved by up to three pixels, mirrored); the score is the share of views
that a run names right, less that of the shadow fold's runs, which never saw it. Answers that are
masked but keep their label, HAMP's and MemGuard's, do not help against it (Choquette-Choo 2021).
"""

import argparse
import json
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import torch

from pryproof.attacks.label_only import label_only
from pryproof.evaluation.estimates import auc_estimate
from pryproof.models.resolve import build
from pryproof.pipeline.steps.value import picked
from pryproof.pipeline.task import TARGET
from pryproof.recipes.figure import Figure
from pryproof.recipes.frontier import FRONTIER, STUDY
from pryproof.recipes.opened import Opened
from pryproof.recipes.reproduce import sized
from pryproof.recipes.reproduction import Reproduction
from pryproof.recipes.sides import Sides, auc_change
from pryproof.recipes.sizes import Size, size
from pryproof.records import Estimate
from pryproof.training.predict import predict, with_weights

SHIFTS = ((0, 0), (3, 0), (-3, 0), (0, 3), (0, -3))  # pixels
PLAIN = "ce_crop_flip"
ROWS = (
    PLAIN,
    "hamp",
    "fakes_transformed",
    "hamp_transformed",
    "selena",
    "dmp",
    "early_stopping",
    "memguard",
)


def main() -> None:
    """Ask, compare, print."""
    given = arguments()
    torch.set_num_threads(given.threads)
    made = sized(size(given.size, str(given.data)), given.set)
    found: dict[str, object] = {}

    def read(opened: Mapping[str, Opened], own: Size) -> Figure:
        found.update(compared(opened[STUDY], given.rows, model=own.base.train.model))
        return Figure(panels=(), claims=(), notes=())

    recipe = replace(FRONTIER["frontier"], read=read, claims=0)
    start = time.monotonic()
    list(Reproduction(given.folder, size=made, recipes=[recipe]).run())
    about = {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "images": given.data.name,
        "size": given.size,
        "set": given.set,
        "views": 2 * len(SHIFTS),
        "seconds": round(time.monotonic() - start),
        "rows": found,
    }
    print(json.dumps(about))


def compared(study: Opened, rows: list[str], *, model: str) -> dict[str, object]:
    """Return each row's AUC, alone and beside plain training's, by score."""
    scores = {row: asked(study, row, model=model) for row in rows}
    result: dict[str, object] = {}
    for row, own in scores.items():
        result[row] = {
            name: {
                "auc": written(auc_estimate(sides.members, sides.others)),
                "less_plain": written(auc_change(scores[PLAIN][name], sides)),
            }
            for name, sides in own.items()
        }
        print(row, result[row], flush=True)
    return result


def asked(study: Opened, row: str, *, model: str) -> dict[str, Sides]:
    """Return the target runs' scores: raw, and less the mean of the shadow runs'."""
    data = study.data
    parts = [data.parts[name] for name in ("members", "evaluation")]
    shown = views(np.concatenate([data.images[part] for part in parts]))
    labels = np.concatenate([data.labels[part] for part in parts])
    target = shares(study, row, TARGET, shown, labels, model=model)
    shadow = shares(study, row, "shadow0", shown, labels, model=model).mean(axis=0)
    count = data.size("members")
    return {
        name: Sides(table[:, :count], table[:, count:])
        for name, table in {"raw": target, "calibrated": target - shadow}.items()
    }


def shares(
    study: Opened,
    row: str,
    fold: str,
    shown: list[np.ndarray],
    labels: np.ndarray,
    *,
    model: str,
) -> np.ndarray:
    """Return the share of views that each run of a fold names right, ``[runs, samples]``."""
    data = study.data
    count = None if fold == TARGET else len(study.results.names(f"train/{fold}/{row}/"))
    right = []
    for run in study.runs(row, fold=fold, count=count):
        network = build(model, classes=len(data.classes), shape=data.shape, seed=0)
        with_weights(network, picked(run, "weight."))
        right.append([predict(network, view).argmax(axis=1) == labels for view in shown])
    return label_only(np.array(right, dtype=np.float64))


def views(images: np.ndarray) -> list[np.ndarray]:
    """Return the images moved and mirrored; what a move uncovers repeats the edge."""
    reach = max(abs(step) for shift in SHIFTS for step in shift)
    border = ((0, 0), (reach, reach), (reach, reach), (0, 0))
    padded = np.pad(images, border, mode="edge")
    height, width = images.shape[1:3]
    moved = [
        padded[:, reach + down :, reach + right :][:, :height, :width] for down, right in SHIFTS
    ]
    return [np.ascontiguousarray(view) for each in moved for view in (each, each[:, :, ::-1])]


def written(found: Estimate) -> dict[str, float | int]:
    """Write an estimate with what it rests on."""
    numbers = {"value": found.value, "low": found.low, "high": found.high}
    return {
        **{name: round(float(number), 4) for name, number in numbers.items()},
        "n": found.n,
        "runs": found.runs,
    }


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="of the reproduction")
    parser.add_argument("--size", default="small")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--set", action="append", default=[], help="as in the reproduction")
    parser.add_argument("--rows", nargs="+", default=list(ROWS))
    parser.add_argument("--threads", type=int, default=1)
    return parser.parse_args()


if __name__ == "__main__":
    main()
