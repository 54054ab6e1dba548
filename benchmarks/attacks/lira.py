"""Likelihood-ratio attacks beside the programs they come from."""

from collections.abc import Iterator

import numpy as np

from attacks import peers
from attacks.timing import Case, Work
from pryproof.attacks import ATTACKS
from pryproof.attacks.evidence import evidence
from pryproof.records import Evidence

SHADOWS, SAMPLES = 256, 50_000
EVERY_RUNS, EVERY_SAMPLES, QUERIES = 256, 60_000, 2


def world(runs: int, samples: int, queries: int = 1) -> Evidence:
    """Draw signals of runs that trained on half of the samples each."""
    draws = np.random.default_rng(0)
    member = np.argsort(draws.random((runs, samples)), axis=0) < runs // 2
    phi = draws.normal(size=(runs, queries, samples)) + 2.0 * member[:, None]
    return evidence({"phi": phi, "member": member})


def scoring(name: str, seen: Evidence, targets: np.ndarray) -> Work:
    """Return the work of one attack on some targets."""
    attack = ATTACKS[name]
    return lambda: attack.score(seen, targets, reference=None, options=attack.options)


def cases() -> Iterator[Case]:
    """One target with 256 shadows, and every one of 256 runs a target."""
    seen = world(SHADOWS + 1, SAMPLES)
    target = np.array([SHADOWS])
    phi, member = seen.signals["phi"][:, 0], seen.member
    yield Case(
        name="lira, one target, 256 shadows x 50k",
        ours=scoring("lira", seen, target),
        peers=dict(_tensorflow_privacy(phi, member)) | dict(_leakpro(phi, member)),
        bar={"TensorFlow Privacy": 100, "LeakPro": 50},
        reads=[phi],
        growth=lambda samples: scoring("lira", world(SHADOWS + 1, samples), target),
        sizes=(12_500, 25_000, 50_000),
    )
    yield Case(
        name="lira@carlini_2022/online (exact medians), the same",
        ours=scoring("lira@carlini_2022/online", seen, target),
        peers=dict(_script(phi, member)),
        bar={"LiRA script": 10},
        reads=[phi],
    )
    del seen, phi, member
    whole = world(EVERY_RUNS, EVERY_SAMPLES, QUERIES)
    yield Case(
        name="lira, every run a target, 256 x 60k x 2 queries",
        ours=scoring("lira", whole, np.arange(EVERY_RUNS)),
        reads=[whole.signals["phi"]],
        most_seconds=10,
        most_megabytes=2000,
    )


def _tensorflow_privacy(phi: np.ndarray, member: np.ndarray) -> Iterator[tuple[str, Work]]:
    packages = "tensorflow_privacy", "privacy", "privacy_tests", "utils"
    absent = tuple(".".join(packages[: depth + 1]) for depth in range(len(packages)))
    module = peers.script(
        "tensorflow",
        "privacy",
        "tensorflow_privacy/privacy/privacy_tests/membership_inference_attack/advanced_mia.py",
        absent=absent,
    )
    if module is None:
        return
    shadows, said = member[:-1], phi[:-1, :, None]
    inside = [said[shadows[:, x], x] for x in range(phi.shape[1])]
    outside = [said[~shadows[:, x], x] for x in range(phi.shape[1])]
    yield (
        "TensorFlow Privacy",
        lambda: module.compute_score_lira(phi[-1][:, None], inside, outside, fix_variance=True),
    )


def _script(phi: np.ndarray, member: np.ndarray) -> Iterator[tuple[str, Work]]:
    module = peers.script(
        "tensorflow",
        "privacy",
        "research/mi_lira_2021/plot.py",
        absent=("matplotlib", "matplotlib.pyplot"),
    )
    if module is not None:
        said = phi[:, :, None]
        yield (
            "LiRA script",
            lambda: module.generate_ours(member[:-1], said[:-1], member[-1:], said[-1:]),
        )


def _leakpro(phi: np.ndarray, member: np.ndarray) -> Iterator[tuple[str, Work]]:
    names = (
        "attacks", "attacks.mia_attacks", "attacks.mia_attacks.abstract_mia", "attacks.utils",
        "attacks.utils.shadow_model_handler", "input_handler", "input_handler.mia_handler",
        "reporting", "reporting.mia_result", "utils", "utils.import_helper",
    )  # fmt: skip
    module = peers.script(
        "aidotse",
        "LeakPro",
        "leakpro/attacks/mia_attacks/lira.py",
        absent=("leakpro", *(f"leakpro.{name}" for name in names), "tqdm"),
    )
    if module is None:
        return
    attack = object.__new__(module.AttackLiRA)
    attack.online, attack.var_calculation = True, "carlini"
    attack.num_shadow_models, attack.fix_var_threshold = len(phi) - 1, 32
    attack.shadow_models_logits, attack.target_logits = phi[:-1], phi[-1]
    attack.out_indices = ~member[:-1]
    attack.audit_dataset = {
        "in_members": np.flatnonzero(member[-1]),
        "out_members": np.flatnonzero(~member[-1]),
    }
    attack.configs = attack
    attack.model_dump = dict
    yield "LeakPro", attack.run_attack
