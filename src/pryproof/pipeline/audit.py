"""An audit as JSON, as a table, and as files: every number with its interval, n and source."""

import io
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int64

from pryproof.attacks import ATTACKS
from pryproof.checks import known_name
from pryproof.data import peers
from pryproof.evaluation.judged import Judged
from pryproof.evaluation.low_fpr import TprAtFpr
from pryproof.records import Estimate, Evidence
from pryproof.store.files import encode_arrays, encode_json, machine_errors, write_bytes
from pryproof.store.places import make_private

COLUMNS = ["attack", "balanced accuracy", "AUC", "TPR at 1% FPR", "TPR at 0.1% FPR"]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One attack: scores ``[targets, samples]``, higher = member, and what came of judging them.

    ``thresholds`` is ``[targets, classes]``, one column for a single cut; NaN = none could be
    fitted. ``fitted_on`` says where the cuts come from, or why there are none.
    """

    scores: Float[np.ndarray, "targets samples"]
    judged: Judged
    thresholds: Float[np.ndarray, "targets classes"]
    fitted_on: str


@dataclass(frozen=True, kw_only=True)
class Audit:
    """What every attack found of the target runs; ``not_run`` says why one was left out.

    ``evidence`` is what the attacks worked on, ``seed`` that of the intervals' draws.
    """

    findings: dict[str, Finding]
    targets: Int64[np.ndarray, " targets"]
    evidence: Evidence
    seed: int
    not_run: dict[str, str] = field(default_factory=dict)

    def content(self) -> dict[str, object]:
        """Return everything but the scores, as ``attack.json`` has it."""
        return content(self)

    def json(self) -> str:
        """Return ``attack.json`` as text; NaN ("not estimable") is null."""
        return encode_json(content(self)).decode()

    @staticmethod
    def listed() -> tuple[list[str], list[list[str]]]:
        """Return the columns and rows of all attacks: name, options, source, what differs."""
        return listed()

    def table(self) -> tuple[list[str], list[list[str]]]:
        """Return the columns and rows of the table the command line prints."""
        return table(self)

    def notes(self) -> list[str]:
        """Return what to beware of, a sentence each."""
        return notes(self)

    def write(self, folder: str | PathLike[str], *, export: str | None = None) -> dict[str, Path]:
        """Write ``attack.json`` and ``scores.safetensors``, readable by you alone.

        ``export`` ("lira", "privacy_meter" or "tf_privacy") also writes the outputs as that
        program reads them, into a folder of that name. Returns the files by name.
        """
        return write(self, Path(folder), export=export)


SHOWN = (0.01, 0.001)  # false positive rates in the table

EXPORTS: dict[str, Callable[[Audit], dict[str, np.ndarray]]] = {
    "lira": lambda audit: peers.lira_tree(audit.evidence),
    "privacy_meter": lambda audit: peers.privacy_meter_files(audit.evidence),
    "tf_privacy": lambda audit: peers.tf_privacy_fields(audit.evidence, int(audit.targets[0])),
}


def content(audit: Audit) -> dict[str, object]:
    """Return the audit as plain values: attacks by name, targets, sizes, what was not run."""
    runs, samples = audit.evidence.member.shape
    return {
        "attacks": {name: _finding(name, found) for name, found in audit.findings.items()},
        "not_run": audit.not_run,
        "targets": audit.targets.tolist(),
        "runs": runs,
        "samples": samples,
        "seed": audit.seed,
        "scores": "higher = more likely a member",
    }


def table(audit: Audit) -> tuple[list[str], list[list[str]]]:
    """Return the columns and a row for every attack."""
    rows = []
    for name, found in audit.findings.items():
        judged = found.judged
        rates = [judged.tpr_at_fpr[fpr].estimate for fpr in SHOWN]
        numbers = [judged.balanced_accuracy, judged.auc, *rates]
        rows.append([name, *map(_short, numbers)])
    return COLUMNS, rows


def _short(found: Estimate) -> str:
    return "-" if np.isnan(found.value) else str(found)


def notes(audit: Audit) -> list[str]:
    """Say what was left out, what rests on little, and what the numbers are about."""
    said = [f"not run: {name} - {why}" for name, why in audit.not_run.items()]
    for name, found in audit.findings.items():
        judged = found.judged
        if judged.left_out:
            said.append(f"{name}: {judged.left_out} scores could not be measured and are left out")
        if judged.one_sided:
            said.append(f"{name}: {judged.one_sided} targets lack members or non-members")
        best, chance = judged.oracle, judged.oracle_chance
        if ATTACKS[name].per_class and not np.isnan(best.value):
            said.append(
                f"{name}: cuts fitted and judged on the same samples would read {best.value:.3f}, "
                f"and {chance.value:.3f} with membership shuffled"
            )
    sources: dict[str, list[str]] = {}
    for name, found in audit.findings.items():
        sources.setdefault(found.fitted_on, []).append(name)
    said += [f"cuts fitted on {source}: {', '.join(names)}" for source, names in sources.items()]
    said += sorted({why for found in audit.findings.values() for why in _missing(found.judged)})
    about = f"intervals of {len(audit.targets)} targets: other samples, and other runs"
    if len(audit.targets) == 1:
        about = "intervals of one target: other samples, this very model"
    return [*said, f"{about}; seed {audit.seed}."]


def _missing(judged: Judged) -> list[str]:
    """Say why a number of the table is not estimable, or rests on little."""
    rates = [judged.tpr_at_fpr[fpr] for fpr in SHOWN]
    numbers = [judged.balanced_accuracy, judged.auc, *(at.estimate for at in rates)]
    warned = [at.warning for at in rates if at.warning and not np.isnan(at.estimate.value)]
    return [f"-: {found.method}" for found in numbers if np.isnan(found.value)] + warned


def write(audit: Audit, folder: Path, *, export: str | None) -> dict[str, Path]:
    """Write the files into a folder that only its owner can read; each whole or not at all."""
    if export is not None:
        known_name(export, EXPORTS, kind="export")
    with machine_errors(folder):
        make_private(folder)
    scores = {name: found.scores for name, found in audit.findings.items()}
    files = {
        "attack.json": encode_json(content(audit)),
        "scores.safetensors": encode_arrays(scores),
    }
    if export is not None:
        files |= _exported(EXPORTS[export](audit), export)
    places = {}
    for name, data in files.items():
        places[name] = folder / name
        with machine_errors(folder):
            make_private(places[name].parent)
        write_bytes(places[name], data)
    return places


def _exported(arrays: Mapping[str, np.ndarray], export: str) -> dict[str, bytes]:
    """Return arrays as .npy files, or as one archive where their names have no ending."""
    if all(name.endswith(".npy") for name in arrays):
        return {f"{export}/{name}": _npy(array) for name, array in arrays.items()}
    archive = io.BytesIO()
    np.savez(archive, **dict(arrays))  # type: ignore[arg-type]
    return {f"{export}/attack_input.npz": archive.getvalue()}


def _npy(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, array, allow_pickle=False)
    return file.getvalue()


def _finding(name: str, found: Finding) -> dict[str, object]:
    judged, attack = found.judged, ATTACKS[name]
    thresholds = found.thresholds[0] if len(found.thresholds) == 1 else found.thresholds
    return {
        "balanced_accuracy": estimate(judged.balanced_accuracy),
        "advantage": estimate(judged.advantage),
        "auc": estimate(judged.auc),
        "tpr": estimate(judged.tpr),
        "fpr": estimate(judged.fpr),
        "precision": _each(judged.precision),
        "tpr_at_fpr": {f"{fpr:g}": _low_fpr(at) for fpr, at in judged.tpr_at_fpr.items()},
        "thresholds": thresholds,
        "thresholds_by": "class" if attack.per_class else "all classes",
        "fitted_on": found.fitted_on,
        "best_cut": {
            "balanced_accuracy": estimate(judged.oracle),
            "with_membership_shuffled": estimate(judged.oracle_chance),
        },
        "per_sample_tpr": {
            f"{fpr:g}": _each(found_by) for fpr, found_by in judged.per_sample_tpr.items()
        },
        "per_sample_auc": _each(judged.exposure),
        "epsilon_lower_bound": _each(judged.epsilon),
        "targets": judged.targets,
        "members": judged.members,
        "nonmembers": judged.nonmembers,
        "not_measured": judged.left_out,
        "source": attack.source,
        "differs": attack.differs,
    }


def estimate(found: Estimate) -> dict[str, Any]:
    """Return value and interval, with what they rest on; null = not estimable, ``method`` why."""
    return asdict(found)


def _each(found: Mapping[Any, Estimate]) -> dict[str, Any]:
    return {
        key if isinstance(key, str) else f"{key:g}": estimate(value) for key, value in found.items()
    }


def _low_fpr(at: TprAtFpr) -> dict[str, object]:
    return {
        **estimate(at.estimate),
        "realised_fpr": at.realised_fpr,
        "hits": at.hits,
        "n": at.n,
        "nonmembers": at.nonmembers,
        "thresholds": list(at.thresholds),
        "clopper_pearson": estimate(at.clopper_pearson),
        "bootstrap": estimate(at.bootstrap),
        "precision": _each(at.precision),
        "warning": at.warning,
    }


def listed() -> tuple[list[str], list[list[str]]]:
    """Return the columns and rows of all attacks: name, options, source, what differs."""
    rows = [
        [
            name,
            ", ".join(
                f"{option}={'chosen' if value is None else f'{value:g}'}"
                for option, value in attack.options.items()
            ),
            attack.source,
            attack.differs,
        ]
        for name, attack in ATTACKS.items()
    ]
    return ["attack", "options", "source", "what differs"], rows
