"""A whole audit of one model beside TensorFlow Privacy's."""

from collections.abc import Iterator

import numpy as np

import pryproof
from attacks import peers
from attacks.signals import outputs
from attacks.timing import Case, Work

ATTACKS = ["confidence", "modified_entropy"]


def cases() -> Iterator[Case]:
    """Loss and modified entropy from logits: curves, areas, operating points, epsilon bounds."""
    given = outputs()
    yield Case(
        name="loss + M-entropy audit from logits, 100k x 100",
        ours=lambda: pryproof.attack(given, attacks=ATTACKS),
        peers=dict(_tensorflow_privacy(given)),
        bar={"TensorFlow Privacy": 15},
        reads=[given["logits"]],
        note="ours fits cuts on one half, judges the other, and adds intervals; the peer does not",
    )


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
