"""A whole audit of one model beside TensorFlow Privacy's."""

from collections.abc import Iterator
from functools import partial

import numpy as np

import pryproof
from attacks import peers
from attacks.signals import outputs
from attacks.timing import Case, Work
from pryproof.attacks.signals import signals
from pryproof.evaluation.epsilon import bounds
from pryproof.evaluation.roc import area, curve, point, steps

ATTACKS = ["confidence", "modified_entropy"]
FPRS = (0.01, 0.001, 0.0001)


def cases() -> Iterator[Case]:
    """Loss and modified entropy from logits: the peer's numbers alone, and all of ours."""
    given = outputs()
    theirs = dict(_tensorflow_privacy(given))
    yield Case(
        name="loss + M-entropy audit from logits, 100k x 100: curves, areas, rates",
        ours=partial(curves, given),
        peers=theirs,
        bar={"TensorFlow Privacy": 15},
        reads=[given["logits"]],
        note="the peer also bounds epsilon, without a valid correction for the cuts it tries",
    )
    yield Case(
        name="the same with epsilon bounds that hold",
        ours=partial(curves, given, epsilon=True),
        peers=theirs,
        reads=[given["logits"]],
    )
    yield Case(
        name="pp.attack: the same with cuts fitted apart, all intervals, permutation baseline",
        ours=lambda: pryproof.attack(given, attacks=ATTACKS),
        peers=theirs,
        reads=[given["logits"]],
    )


def curves(given: dict[str, np.ndarray], *, epsilon: bool = False) -> None:
    """Trace both scores' curves and read off what the peer reads off."""
    said, member = signals(given["logits"], given["labels"]), given["member"]
    for score in (said["phi"], -said["log_mentropy"]):
        counts = steps(score[member], score[~member])
        traced = curve(counts)
        area(counts)
        (traced.tpr - traced.fpr).max()
        _ = [point(counts, fpr) for fpr in FPRS]
        if epsilon:
            bounds(counts)


def _tensorflow_privacy(given: dict[str, np.ndarray]) -> Iterator[tuple[str, Work]]:
    root = "tensorflow_privacy.privacy.privacy_tests.membership_inference_attack"
    attacks, structures = (
        peers.package("tensorflow", "privacy", "tensorflow_privacy", f"{root}.{name}")
        for name in ("membership_inference_attack", "data_structures")
    )
    if attacks is None or structures is None:
        return
    member = given["member"]
    fields = {
        f"{name}_{side}": given[name][chosen]
        for name in ("logits", "labels")
        for side, chosen in (("train", member), ("test", ~member))
    }
    kinds = structures.AttackType
    chosen_kinds = kinds.THRESHOLD_ATTACK, kinds.THRESHOLD_ENTROPY_ATTACK
    yield (
        "TensorFlow Privacy",
        lambda: attacks.run_attacks(
            structures.AttackInputData(**fields), attack_types=chosen_kinds
        ),
    )
