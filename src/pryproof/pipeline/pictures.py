"""The grids of the report: riskiest and safest members, fakes, images beside their transform."""

from collections.abc import Iterator

import numpy as np

from pryproof.pipeline.results import Results
from pryproof.pipeline.steps.call import Loaded
from pryproof.pipeline.task import TARGET
from pryproof.pipeline.turns import turns
from pryproof.reporting.content import Grid
from pryproof.valuation.votes import SAFE

SHOWN = 24
PAIRS = 12


def grids(results: Results, data: Loaded) -> Iterator[Grid]:
    """Yield every grid; what is shown follows from the ranks, never from a choice by eye."""
    members = data.parts["members"]
    images, labels = data.images[members], data.labels[members]
    value = results[f"value/{TARGET}/real"].arrays
    made, moved = results[f"generate/{TARGET}"].arrays, results[f"transform/{TARGET}"].arrays
    order = np.argsort(-value["mean_rank"], kind="stable")
    names = np.array(data.classes)
    for title, chosen in (
        ("Riskiest members", order[:SHOWN]),
        ("Safest members", order[::-1][:SHOWN]),
    ):
        yield Grid(
            title=title,
            caption="by mean rank over the valuation runs; under each image its class and mean "
            f"rank (1 = safest, {len(order)} = most exposed)",
            images=images[chosen],
            captions=tuple(
                f"{names[labels[i]]} {value['mean_rank'][i]:.0f}" for i in chosen.tolist()
            ),
            columns=8,
        )
    few = _spread(made["fakes_labels"], SHOWN)
    yield Grid(
        title="Fakes",
        caption="drawn from TAC-GAN for the class below; the first of each class, none chosen",
        images=made["fakes"][few],
        captions=tuple(names[made["fakes_labels"][few]]),
        columns=8,
    )
    pairs = results["leaks"].arrays["pairs"][:PAIRS]
    yield _pairs(
        "Fakes beside the members nearest to them",
        "of all fakes, those that lie nearest to a member, pixel by pixel",
        (made["fakes"][pairs[:, 0]], images[pairs[:, 1]]),
        (names[made["fakes_labels"][pairs[:, 0]]], "member"),
    )
    risky = order[value["verdict"][order] != SAFE][:PAIRS]
    yield _pairs(
        "Made safer: x and G_r2s(x)",
        "members that were not voted safe, riskiest first, each beside what replaces it",
        (images[risky], moved["safer_reals"][risky]),
        (names[labels[risky]], "transformed"),
    )
    few = _spread(made["fakes_labels"], PAIRS)
    yield _pairs(
        "Made riskier: fake and G_s2r(fake)",
        "fakes beside their transform",
        (made["fakes"][few], moved["riskier_fakes"][few]),
        (names[made["fakes_labels"][few]], "transformed"),
    )


def _pairs(
    title: str, caption: str, both: tuple[np.ndarray, np.ndarray], words: tuple[np.ndarray, str]
) -> Grid:
    """Set images beside their partners: each with a word of its own, all partners with one."""
    images = np.stack(both, axis=1).reshape(-1, *both[0].shape[1:])
    captions = tuple(word for own in words[0].tolist() for word in (own, words[1]))
    return Grid(title=title, caption=caption, images=images, captions=captions, columns=8, group=2)


def _spread(labels: np.ndarray, count: int) -> np.ndarray:
    """Take the first images of each class in turn until there are ``count``."""
    return np.lexsort((labels, turns(labels)))[:count]
