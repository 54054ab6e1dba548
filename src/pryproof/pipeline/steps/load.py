"""load, extra: read the images, drop exact duplicates, split into disjoint parts."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from pryproof.data.canaries import KINDS, canaries, halves, images_for, refuse_too_few
from pryproof.data.duplicates import duplicate_groups
from pryproof.data.reading import Loaded
from pryproof.data.sources import read
from pryproof.data.splits import Split, extra_for, fit_sizes, split
from pryproof.pipeline.steps.call import Call, Result
from pryproof.pipeline.task import SHADOW, TARGET
from pryproof.records import Samples


def load(call: Call) -> Result:
    """Keep only samples that the split uses, ordered part by part; canaries come last."""
    settings = call.settings
    loaded = source_of(call.where, settings)
    samples = loaded.samples
    parts = drawn(samples, settings)
    named = {"members": parts.members}
    named |= {f"shadow{i}": part for i, part in enumerate(parts.shadows)}
    named |= {"outside": parts.outside, "evaluation": parts.evaluation}
    ends = np.cumsum([0, *map(len, named.values())]).tolist()
    rows = np.concatenate(list(named.values()))
    kept = Result(
        {"images": samples.images[rows], "labels": samples.labels[rows]},
        {
            "parts": {name: ends[i : i + 2] for i, name in enumerate(named)},
            "classes": list(samples.classes),
            "ids": [samples.ids[row] for row in rows],
            "notices": [*loaded.notices, *parts.notices],
            "available": len(samples),
        },
    )
    asked = settings.get("canaries")
    return _with_canaries(kept, samples, parts, asked, seed=settings["seed"]) if asked else kept


def extra(call: Call) -> Result:
    """Keep the further real images of every fold that is trained on, fold by fold.

    They are a result of their own, so that a study with a row of extra reals shares every other row
    with one that has none.
    """
    settings = call.settings
    samples = source_of(call.where, settings).samples
    parts = drawn(samples, settings).extra
    folds = (TARGET, *(f"{SHADOW}{i}" for i in range(settings["shadow_folds"])))
    ends = np.cumsum([0, *map(len, parts)]).tolist()
    rows = np.concatenate(parts)
    return Result(
        {"images": samples.images[rows], "labels": samples.labels[rows]},
        {"parts": {fold: ends[i : i + 2] for i, fold in enumerate(folds)}},
    )


def source_of(where: Mapping[str, str], settings: Mapping[str, Any]) -> Loaded:
    """Read all images of the source as the settings of ``load`` ask."""
    return read(
        where["source"],
        label=settings["label"],
        resize=settings["resize"],
        on_bad_image=settings["on_bad_image"],
    )


def _with_canaries(
    kept: Result, samples: Samples, parts: Split, asked: Mapping[str, int], *, seed: int
) -> Result:
    """Put the canaries behind all parts, one part a kind, with the halves that hold each."""
    made = canaries(samples, parts, asked, seed=seed)
    arrays = {
        "images": np.concatenate([kept.arrays["images"], made.images]),
        "labels": np.concatenate([kept.arrays["labels"], made.labels]),
        "halves": halves(made.kinds, asked["halves"], seed=seed),
    }
    before = len(kept.arrays["labels"])
    ends = before + np.searchsorted(made.kinds, np.arange(len(KINDS) + 1))
    own = {f"canaries/{kind}": ends[i : i + 2].tolist() for i, kind in enumerate(KINDS)}
    return Result(
        arrays,
        kept.facts | {"parts": kept.facts["parts"] | own, "ids": [*kept.facts["ids"], *made.ids]},
    )


def drawn(samples: Samples, settings: Mapping[str, Any]) -> Split:
    """Split samples as the settings of ``load`` or ``extra`` ask.

    ``extra`` is how many real images a member nobody else uses; each fold has its own. ``room`` is
    for how many of them ``load`` leaves room where it fits the sizes itself. Where they ask for
    canaries there are further images to make them of.
    """
    folds, amount = settings["shadow_folds"], settings.get("extra", 0.0)
    room = settings.get("room", 0.0)
    asked = settings.get("canaries")
    further = images_for(asked) if asked else 0
    groups = duplicate_groups(samples.images)
    most = (0, 0)
    if settings["members"] is None or settings["evaluation"] is None:
        most = fit_sizes(samples.labels, folds, groups, extra=room, further=further)
    members = settings["members"] or most[0]
    if asked:
        refuse_too_few(asked, members=members, classes=len(samples.classes))
    return split(
        samples.labels,
        members=members,
        evaluation=settings["evaluation"] or most[1],
        shadow_folds=folds,
        seed=settings["seed"],
        groups=groups,
        extra=extra_for(members, amount),
        further=further,
    )
