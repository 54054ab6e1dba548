"""Threshold attacks and the search for cuts beside the official script."""

from collections.abc import Iterator
from functools import partial

import numpy as np

from attacks import peers
from attacks.signals import CLASSES, outputs, probabilities
from attacks.timing import Case, Work
from pryproof.attacks import ATTACKS, song_mittal_2021
from pryproof.attacks.decisions import decisions
from pryproof.attacks.evidence import evidence
from pryproof.attacks.threshold import fit

NAMES = ("correctness", "confidence", "entropy", "modified_entropy")
FEW = 10  # classes of the search alone
Side = tuple[np.ndarray, np.ndarray]


def cases() -> Iterator[Case]:
    """Four attacks from probabilities; the search alone for three scores, and for a million."""
    shadow, target = (outputs(2 * 100_000, seed) for seed in (1, 2))
    for given in (shadow, target):
        given["probabilities"] = probabilities(given)
        del given["logits"]
    for dialect in ("", "@song_mittal_2021"):
        yield Case(
            name=f"four threshold attacks{dialect}, 4 arrays of 100k x 100, from probabilities",
            ours=partial(attacked, target, shadow, dialect),
            peers=dict(_script_attacks(shadow, target)) if not dialect else {},
            bar={"Song-Mittal script": 60} if not dialect else {},
            reads=[shadow["probabilities"], target["probabilities"]],
            note="the same work as the row above it" if dialect else "",
        )
    yield Case(
        name="the dialect's array functions alone, values and thresholds, the same arrays",
        ours=partial(dialect_alone, target, shadow),
        peers=dict(_script_attacks(shadow, target)),
        reads=[shadow["probabilities"], target["probabilities"]],
    )
    values = [searched(100_000, seed) for seed in range(3)]
    yield Case(
        name="cuts for 10 classes, three scores, 100k members + 100k others",
        ours=lambda: [cuts(*each) for each in values],
        peers=dict(_script_search(values)),
        bar={"Song-Mittal script": 250},
        reads=[each[side][0] for each in values for side in (0, 1)],
    )
    million = [searched(500_000, 3)]
    yield Case(
        name="cuts for 10 classes, one score, 500k members + 500k others",
        ours=lambda: [cuts(*each) for each in million],
        peers=dict(_script_search(million)),
        bar={"Song-Mittal script": 1000},
        reads=[million[0][side][0] for side in (0, 1)],
        growth=lambda side: partial(cuts, *searched(side, 4)),
        sizes=(125_000, 250_000, 500_000, 1_000_000),
    )


def attacked(target: dict[str, np.ndarray], shadow: dict[str, np.ndarray], dialect: str) -> object:
    """Score, fit on the shadow's arrays, decide on the target's."""
    judged, known = evidence(target), evidence(shadow)
    run = np.array([0])
    found = []
    for name in NAMES:
        attack = ATTACKS[name + dialect]
        scores = attack.score(judged, run, reference=known, options=attack.options)
        found.append(
            decisions(attack, judged, run, scores, reference=known, options=attack.options)
        )
    return found


def dialect_alone(target: dict[str, np.ndarray], shadow: dict[str, np.ndarray]) -> None:
    """Compute the dialect's values of both files, and the shadow's thresholds."""
    found = [
        song_mittal_2021.values(each["probabilities"], each["labels"], accelerate=True)
        for each in (target, shadow)
    ]
    member, labels = shadow["member"], shadow["labels"]
    for name in NAMES[1:]:
        known = found[1][name].astype(np.float64)
        song_mittal_2021.thresholds(
            known[member], labels[member], known[~member], labels[~member], classes=CLASSES
        )


def searched(side: int, seed: int) -> tuple[Side, Side]:
    """Draw scores and classes of members and of others."""
    draws = np.random.default_rng(seed)
    members = draws.normal(size=side) + 0.5, draws.integers(FEW, size=side)
    return members, (draws.normal(size=side), draws.integers(FEW, size=side))


def cuts(members: Side, nonmembers: Side) -> object:
    """Find the best cut of every class."""
    return fit(*members, *nonmembers, classes=FEW)


def _script_attacks(
    shadow: dict[str, np.ndarray], target: dict[str, np.ndarray]
) -> Iterator[tuple[str, Work]]:
    module = _script()
    if module is None:
        return

    def sides(given: dict[str, np.ndarray]) -> list[Side]:
        member = given["member"]
        return [
            (given["probabilities"][chosen], given["labels"][chosen])
            for chosen in (member, ~member)
        ]

    arrays = [*sides(shadow), *sides(target)]
    yield (
        "Song-Mittal script",
        lambda: module.black_box_benchmarks(*arrays, CLASSES)._mem_inf_benchmarks(),
    )


def _script_search(values: list[tuple[Side, Side]]) -> Iterator[tuple[str, Work]]:
    module = _script()
    if module is None:
        return
    finder = object.__new__(module.black_box_benchmarks)

    def work() -> None:
        for members, others in values:
            for label in range(FEW):
                finder._thre_setting(members[0][members[1] == label], others[0][others[1] == label])

    yield "Song-Mittal script", work


def _script() -> object:
    return peers.script(
        "inspire-group", "membership-inference-evaluation", "membership_inference_attacks.py"
    )
