"""load: read the images, drop exact duplicates, split into disjoint parts."""

import numpy as np

from pryproof.data.duplicates import duplicate_groups
from pryproof.data.sources import read
from pryproof.data.splits import fit_sizes, split
from pryproof.pipeline.steps.call import Call, Result


def load(call: Call) -> Result:
    """Keep only samples that the split uses, ordered part by part."""
    settings = call.settings
    loaded = read(
        call.where["source"],
        label=settings["label"],
        resize=settings["resize"],
        on_bad_image=settings["on_bad_image"],
    )
    samples, folds = loaded.samples, settings["shadow_folds"]
    groups = duplicate_groups(samples.images)
    most = (0, 0)
    if settings["members"] is None or settings["evaluation"] is None:
        most = fit_sizes(samples.labels, folds, groups)
    parts = split(
        samples.labels,
        members=settings["members"] or most[0],
        evaluation=settings["evaluation"] or most[1],
        shadow_folds=folds,
        seed=settings["seed"],
        groups=groups,
    )
    named = {"members": parts.members}
    named |= {f"shadow{i}": part for i, part in enumerate(parts.shadows)}
    named |= {"outside": parts.outside, "evaluation": parts.evaluation}
    ends = np.cumsum([0, *map(len, named.values())]).tolist()
    rows = np.concatenate(list(named.values()))
    return Result(
        {"images": samples.images[rows], "labels": samples.labels[rows]},
        {
            "parts": {name: ends[i : i + 2] for i, name in enumerate(named)},
            "classes": list(samples.classes),
            "ids": [samples.ids[row] for row in rows],
            "notices": [*loaded.notices, *parts.notices],
            "available": len(samples),
        },
    )
