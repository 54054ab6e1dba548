"""The files of other attack programs: read as named arrays, and written so that they read them.

- LiRA scripts (tensorflow/privacy, research/mi_lira_2021, and orientino/lira-pytorch): a folder a
  run with ``keep.npy`` [samples] and ``scores/EPOCH.npy`` or ``scores.npy`` [samples, queries];
  without scores, ``logits`` [samples, queries, classes] and ``y_train.npy`` beside the runs.
- Privacy Meter: ``memberships.npy`` [runs, samples] and ``signals/*_signals.npy`` [samples, runs],
  ``signals/*_signals_pop.npy`` [population, runs]: the label's probability.
- TensorFlow Privacy's ``AttackInputData``, as an archive of its fields ``logits_train`` ...
"""

import re
from collections.abc import Collection, Mapping
from pathlib import Path

import numpy as np
from jaxtyping import Shaped

from pryproof.attacks.needed import signal
from pryproof.checks import DataError
from pryproof.data.reading import shown
from pryproof.records import Evidence

Array = Shaped[np.ndarray, "..."]

# AttackInputData's fields, and what they are called here
TF_PRIVACY_FIELDS = {
    "logits": "logits",
    "probs": "probabilities",
    "labels": "labels",
    "loss": "loss",
    "entropy": "entropy",
}
SIDES = ("_train", "_test")
TF_PRIVACY_NAMES = tuple(field + side for field in TF_PRIVACY_FIELDS for side in SIDES)


def read_folder(path: Path) -> dict[str, Array]:
    """Read what a LiRA script or Privacy Meter left in a folder."""
    if (path / "memberships.npy").exists():
        return _privacy_meter(path)
    runs = _runs(path)
    if runs:
        return _lira_tree(path, runs)
    raise DataError(
        "E002",
        "the folder holds neither runs with keep.npy nor a memberships.npy",
        where=shown(path),
        fix="Name the folder above the LiRA runs, or Privacy Meter's log folder.",
    )


def is_tf_privacy(names: Collection[str]) -> bool:
    """Say whether arrays are named as in TensorFlow Privacy's attack input.

    >>> is_tf_privacy(["loss_train", "loss_test"])
    True
    """
    return any(name in TF_PRIVACY_NAMES for name in names)


def from_tf_privacy(arrays: Mapping[str, Array]) -> dict[str, Array]:
    """Join the two sides: members are the training side, in front.

    >>> joined = from_tf_privacy({"loss_train": np.array([0.1]), "loss_test": np.array([2.0])})
    >>> joined["loss"], joined["member"]
    (array([0.1, 2. ]), array([ True, False]))
    """
    found: dict[str, Array] = {}
    sizes: tuple[int, ...] = ()
    for field, name in TF_PRIVACY_FIELDS.items():
        sides = [arrays.get(field + side) for side in SIDES]
        if sides[0] is None and sides[1] is None:
            continue
        train, test = sides
        if train is None or test is None:
            raise DataError(
                "E024",
                f"{field} must be there for both sides, {field}_train and {field}_test",
                fix="Give both, or leave both out.",
            )
        lengths = len(train), len(test)
        if sizes and lengths != sizes:
            raise DataError(
                "E028",
                f"{field} has {lengths} samples in train and test, another field has {sizes}",
                fix="All fields of one side must be about the same samples.",
            )
        sizes = lengths
        found[name] = np.concatenate([train, test])
    found["member"] = np.arange(sum(sizes)) < sizes[0]
    return found


def lira_tree(evidence: Evidence) -> dict[str, Array]:
    """Return the files of a LiRA tree by relative name, for the scripts that plot it."""
    phi = signal(evidence, "phi", attack="lira")
    width = len(str(len(phi) - 1))
    files: dict[str, Array] = {}
    for run, member in enumerate(evidence.member):
        folder = f"experiment-{run:0{width}d}_{len(phi)}"
        files[f"{folder}/keep.npy"] = member
        files[f"{folder}/scores/0000000001.npy"] = np.ascontiguousarray(phi[run].T)
    if evidence.labels is not None:
        files["y_train.npy"] = evidence.labels
    return files


def privacy_meter_files(evidence: Evidence) -> dict[str, Array]:
    """Return the files Privacy Meter looks for before it trains or queries anything."""
    files = {"memberships.npy": evidence.member}
    sides = {"rmia_signals": evidence, "rmia_signals_pop": evidence.population}
    for name, side in sides.items():
        if side is not None:
            p = side.raw["p"] if "p" in side.raw else np.exp(signal(side, "logp", attack=name))
            files[f"signals/{name}.npy"] = np.ascontiguousarray(p[:, 0].T)
    return files


def tf_privacy_fields(evidence: Evidence, target: int) -> dict[str, Array]:
    """Return the fields of one run's ``AttackInputData``, the members as its training side."""
    member = evidence.member[target]
    fields: dict[str, Array] = {}
    if evidence.labels is not None:
        fields["labels"] = evidence.labels
    for field, name in TF_PRIVACY_FIELDS.items():
        if name in ("logits", "probabilities") and name in evidence.raw:
            fields[field] = evidence.raw[name][target, 0]
    if not {"logits", "probs"} & set(fields):
        fields["loss"] = -signal(evidence, "logp", attack="tf_privacy")[target, 0]
    return {
        field + side: array[chosen]
        for field, array in fields.items()
        for side, chosen in zip(SIDES, (member, ~member), strict=True)
    }


def _runs(path: Path) -> list[Path]:
    """List the folders of runs, 2 before 10: the scripts' own order is the file system's."""
    found = [each for each in path.iterdir() if (each / "keep.npy").is_file()]
    return sorted(found, key=lambda each: [int(n) for n in re.findall(r"\d+", each.name)])


def _lira_tree(path: Path, runs: list[Path]) -> dict[str, Array]:
    keep = [_load(run / "keep.npy").astype(np.bool_) for run in runs]
    scored = [_newest(run, "scores") for run in runs]
    if all(file is not None for file in scored):
        phi = _stacked([_load(file) for file in scored if file is not None], "scores", path)
        samples = phi.shape[1]
        found = {"phi": np.moveaxis(phi, 1, -1) if phi.ndim == 3 else phi}
    else:
        files = [_newest(run, "logits") for run in runs]
        missing = [run.name for run, file in zip(runs, files, strict=True) if file is None]
        if missing or not (path / "y_train.npy").exists():
            what = f"run {shown(missing[0])} has neither scores nor logits" if missing else ""
            raise DataError(
                "E024",
                what or "logits without y_train.npy beside the runs say nothing of the labels",
                where=shown(path),
                fix="Run the script's score.py first, or add y_train.npy.",
            )
        logits = _stacked([_load(file) for file in files if file is not None], "logits", path)
        samples = logits.shape[1]
        # the scripts keep [samples, queries, classes], the older ones an axis of 1 before that
        logits = logits.reshape(len(runs), samples, -1, logits.shape[-1])
        found = {"logits": np.ascontiguousarray(np.moveaxis(logits, 2, 1))}
    if (path / "y_train.npy").exists():
        found["labels"] = _load(path / "y_train.npy").reshape(-1)[:samples]
    return {**found, "member": _stacked([each[:samples] for each in keep], "keep", path)}


def _newest(run: Path, name: str) -> Path | None:
    """Return scores.npy, or the file of the last epoch in scores/."""
    if (run / f"{name}.npy").exists():
        return run / f"{name}.npy"
    return max((run / name).glob("*.npy"), default=None, key=lambda file: file.name)


def _privacy_meter(path: Path) -> dict[str, Array]:
    signals = sorted((path / "signals").glob("*_signals.npy"))
    if len(signals) != 1:
        raise DataError(
            "E024",
            f"there must be one signals/*_signals.npy, found {len(signals)}",
            where=shown(path),
            fix="Keep the one to attack; Privacy Meter writes one for each algorithm.",
        )
    found = {"p": _load(signals[0]).T, "member": _load(path / "memberships.npy").astype(np.bool_)}
    population = signals[0].with_name(signals[0].stem + "_pop.npy")
    if population.exists():
        found["population_p"] = _load(population).T
    return found


def _load(path: Path) -> Array:
    where = shown(Path(path.parent.name) / path.name)
    try:
        array = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise DataError(
            "E009",
            f"this is no plain .npy array ({shown(error)})",
            where=where,
            fix="Restore the file; pickled objects are never loaded.",
        ) from error
    if not isinstance(array, np.ndarray):
        raise DataError("E030", "this is an archive, not an array", where=where, fix="Unpack it.")
    return array


def _stacked(arrays: list[Array], name: str, path: Path) -> Array:
    shapes = {array.shape for array in arrays}
    if len(shapes) > 1:
        raise DataError(
            "E028",
            f"{name} must have one shape in all runs, found {sorted(shapes)}",
            where=shown(path),
            fix="Remove runs of another data set or of other queries.",
        )
    return np.stack(arrays)
