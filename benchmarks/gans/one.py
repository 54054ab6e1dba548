"""``python -m gans.one MODULE SIDE WORK.json FOLDER INDEX...`` trains runs, one file for each."""

import json
import sys
import time
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import torch

FEW = 2  # steps before time is taken: the first ones load a good part of torch


def main() -> None:
    """Train the runs of the command line, one after another."""
    name, side, work_file, folder, *indices = sys.argv[1:]
    module = import_module(name)
    work = type(next(iter(module.PLANS.values())))(
        **json.loads(Path(work_file).read_text(encoding="utf-8"))
    )
    train = getattr(module, side)
    train(replace(work, steps=FEW), 0)
    for index in map(int, indices):
        started, busy = time.monotonic(), time.process_time()
        losses = train(work, index)
        run = {
            "started": started,
            "ended": time.monotonic(),
            "core_seconds": time.process_time() - busy,
            "threads": torch.get_num_threads(),
            "losses": losses,
        }
        (Path(folder) / f"run-{index}.json").write_text(json.dumps(run), encoding="utf-8")


if __name__ == "__main__":
    main()
