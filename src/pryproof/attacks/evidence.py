"""From plain named arrays, of any framework, to ``Evidence``: what every attack works on.

Names and shapes; one run may leave out the first axis, and ``queries`` is an axis of its own only
where it is there:

    member                     [samples] or [runs, samples], truth values
    labels                     [samples], whole numbers from 0
    logits, probabilities      [runs, queries, samples, classes]
    phi, p, logp, loss, entropy, log_mentropy, correct    [runs, queries, samples]
    population_logits, population_probabilities with population_labels; population_p ... alike
    loss_trace                 [runs, epochs, samples]
    features                   [samples, width], and population_features
    group                      [runs], equal numbers where runs share a training set
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int64, Shaped

from pryproof.attacks.signals import signals, signals_from_probabilities
from pryproof.checks import DataError, nearest
from pryproof.records import Evidence

Array = Shaped[np.ndarray, "..."]
Signals = dict[str, Float[np.ndarray, "runs queries samples"]]

OUTPUTS = ("logits", "probabilities")
PER_SAMPLE = ("phi", "p", "logp", "loss", "entropy", "log_mentropy", "correct")
PREFIX = "population_"
NAMES = (
    "member",
    "labels",
    "group",
    "loss_trace",
    "features",
    *OUTPUTS,
    *PER_SAMPLE,
    *(PREFIX + name for name in ("labels", "features", *OUTPUTS, *PER_SAMPLE)),
)


def evidence(arrays: Mapping[str, Any]) -> Evidence:
    """Check named arrays, bring them to one form, and compute what can be had of the signals.

    >>> found = evidence({"phi": [[3.0, -1.0]], "member": [[True, False]]})
    >>> found.signals["phi"].shape, sorted(found.signals)
    ((1, 1, 2), ['phi'])
    """
    given = {name: np.asarray(value) for name, value in arrays.items()}
    for name in given:
        if name not in NAMES:
            raise DataError("E024", f"no array is called {name!r} here", fix=nearest(name, NAMES))
    if "member" not in given:
        raise DataError(
            "E024",
            f"the outputs need an array 'member', got {', '.join(sorted(given)) or 'nothing'}",
            fix="Say of every sample whether it was in the training set: member [samples], or "
            "[runs, samples].",
        )
    member = _member(given["member"])
    runs, samples = member.shape
    labels = _labels(given.get("labels"), samples, name="labels")
    raw = _raw(given, runs, single=given["member"].ndim == 1)
    for name, array in raw.items():
        where = array.shape[0 if name == "features" else 2]
        if where != samples:
            raise _wrong_shape(name, given[name], f"{samples} samples, as member has")
    return Evidence(
        signals=_signals(raw, labels),
        member=member,
        group=_group(given.get("group"), runs),
        labels=labels,
        raw=raw,
        population=_population(given, runs, single=given["member"].ndim == 1),
    )


def picked(whole: Evidence, samples: Shaped[np.ndarray, " picked"]) -> Evidence:
    """Return the evidence about some of the samples, or about all in another order.

    >>> two = evidence({"phi": [3.0, -1.0], "member": [True, False]})
    >>> picked(two, np.array([1])).signals["phi"].tolist()
    [[[-1.0]]]
    """
    return replace(
        whole,
        signals={name: array[:, :, samples] for name, array in whole.signals.items()},
        member=whole.member[:, samples],
        labels=None if whole.labels is None else whole.labels[samples],
        raw={
            name: array[samples] if name == "features" else array[:, :, samples]
            for name, array in whole.raw.items()
        },
    )


def _member(array: Array) -> Bool[np.ndarray, "runs samples"]:
    if array.ndim not in (1, 2) or not array.size:
        raise _wrong_shape("member", array, "[samples] or [runs, samples], and not be empty")
    if array.dtype != np.bool_ and not np.isin(array, (0, 1)).all():
        raise DataError(
            "E056",
            "member must hold truth values",
            where="array member",
            fix="Write 1 for a sample of the training set and 0 for any other.",
        )
    return np.atleast_2d(array.astype(np.bool_))


def _labels(array: Array | None, samples: int, *, name: str) -> Int64[np.ndarray, " labels"] | None:
    if array is None:
        return None
    if array.shape != (samples,):
        raise _wrong_shape(name, array, f"[{samples}], one label a sample")
    whole = array.astype(np.int64) if array.dtype.kind in "iuf" else None
    if whole is None or not np.array_equal(whole, array) or (whole < 0).any():
        raise DataError(
            "E025",
            f"{name} must be whole numbers from 0",
            where=f"array {name}",
            fix="Number the classes from 0, as the columns of the logits.",
        )
    return whole


def _group(array: Array | None, runs: int) -> Int64[np.ndarray, " runs"]:
    if array is None:
        return np.arange(runs)
    if array.shape != (runs,) or array.dtype.kind not in "iu":
        raise _wrong_shape("group", array, f"[{runs}], one whole number a run")
    return array.astype(np.int64)


def _raw(given: Mapping[str, Array], runs: int, *, single: bool) -> dict[str, Array]:
    raw = {
        name: _shaped(given[name], name, runs, single=single)
        for name in (*OUTPUTS, *PER_SAMPLE, "loss_trace")
        if name in given
    }
    if "features" in given:
        raw["features"] = _numbers(given["features"], "features")
        if given["features"].ndim != 2:
            raise _wrong_shape("features", given["features"], "[samples, width]")
    return raw


def _shaped(array: Array, name: str, runs: int, *, single: bool) -> Array:
    """Give every array its run axis and its query (or epoch) axis."""
    array = _numbers(array, name)
    trailing = 2 if name.removeprefix(PREFIX) in OUTPUTS else 1
    shown = "[runs, queries, samples, classes]" if trailing == 2 else "[runs, queries, samples]"
    if name == "loss_trace":
        shown = "[runs, epochs, samples]"
    if single and array.ndim <= trailing + 1:
        array = array[None]  # one run without its axis
    if array.ndim == trailing + 1 and name != "loss_trace":
        array = array[:, None]
    if array.ndim != trailing + 2 or array.shape[0] != runs:
        raise _wrong_shape(name, array, f"{shown} of {runs} runs, as member has")
    return array


def _numbers(array: Array, name: str) -> Array:
    if array.dtype.kind not in "fiub":
        raise DataError(
            "E030",
            f"{name} must hold numbers, got {array.dtype}",
            where=f"array {name}",
            fix="Save plain numbers, no objects.",
        )
    return array if array.dtype.kind == "f" else array.astype(np.float64)


def _signals(raw: Mapping[str, Array], labels: Int64[np.ndarray, " samples"] | None) -> Signals:
    """Compute every signal that the best source at hand has, and keep those that were given."""
    found: Signals = {}
    source = next((name for name in OUTPUTS if name in raw), None)
    if source is not None:
        if labels is None:
            raise DataError(
                "E024",
                f"{source} need an array 'labels'",
                fix="Give the class of every sample: labels [samples], population_labels likewise.",
            )
        found = _from_outputs(raw[source], labels, source)
    given = {
        name: raw[name].astype(np.float64)
        for name in ("phi", "logp", "entropy", "log_mentropy", "correct")
        if name in raw
    }
    _refuse_nan({**given, **{name: raw[name] for name in ("p", "loss") if name in raw}})
    return {**_from_label_probability(raw, given), **found, **given}


def _from_outputs(
    outputs: Float[np.ndarray, "runs queries samples classes"],
    labels: Int64[np.ndarray, " samples"],
    source: str,
) -> Signals:
    compute = signals if source == "logits" else signals_from_probabilities
    # all runs have the same size, so all are computed alike
    parts = [[compute(query, labels) for query in run] for run in outputs]
    return {
        name: np.array([[query[name] for query in run] for run in parts]) for name in parts[0][0]
    }


def _from_label_probability(raw: Mapping[str, Array], given: Signals) -> Signals:
    """Derive phi and logp from the label's probability or from the loss."""
    with np.errstate(divide="ignore"):  # a probability of 0 or 1 has an infinite logarithm
        if "phi" in given:
            return {}  # attacks that want logp too derive it: it costs more than most of them
        if "logp" in given:
            logp = given["logp"]
        elif "loss" in raw:
            logp = -raw["loss"].astype(np.float64)
        elif "p" in raw:
            p = raw["p"].astype(np.float64)
            return {"phi": np.log(p) - np.log1p(-p), "logp": np.log(p)}
        else:
            return {}
        return {"phi": logp - np.log(-np.expm1(logp)), "logp": logp}


def _refuse_nan(arrays: Mapping[str, Array]) -> None:
    for name, array in arrays.items():
        broken = np.argwhere(np.isnan(array))
        if broken.size:
            raise DataError(
                "E056",
                f"{name} must be numbers, {len(broken)} of {array.size} values are NaN",
                where=f"run {broken[0][0]}, sample {broken[0][2]}",
                fix="Leave out samples that were not measured.",
            )
    if "p" in arrays and not ((arrays["p"] >= 0) & (arrays["p"] <= 1)).all():
        raise DataError(
            "E056",
            "p must lie in [0, 1]: it is the probability of the label",
            where="array p",
            fix="Give logits as 'logits' [runs, samples, classes], or phi = log p - log(1 - p).",
        )
    if "loss" in arrays and (arrays["loss"] < 0).any():
        raise DataError(
            "E056",
            "loss must not be negative: it is the cross-entropy, -log p of the label",
            where="array loss",
            fix="Give the cross-entropy in nats, or its negative as 'logp'.",
        )


def _population(given: Mapping[str, Array], runs: int, *, single: bool) -> Evidence | None:
    names = [name for name in (*OUTPUTS, *PER_SAMPLE) if PREFIX + name in given]
    if not names:
        return None
    raw = {
        name: _shaped(given[PREFIX + name], PREFIX + name, runs, single=single) for name in names
    }
    samples = next(iter(raw.values())).shape[2]
    if not samples:
        raise _wrong_shape(PREFIX + names[0], given[PREFIX + names[0]], "at least one sample")
    labels = _labels(given.get(PREFIX + "labels"), samples, name=PREFIX + "labels")
    if PREFIX + "features" in given:
        raw["features"] = _numbers(given[PREFIX + "features"], PREFIX + "features")
        if raw["features"].ndim != 2 or len(raw["features"]) != samples:
            raise _wrong_shape(PREFIX + "features", raw["features"], f"[{samples}, width]")
    return Evidence(
        signals=_signals(raw, labels),
        member=np.zeros((runs, samples), dtype=np.bool_),
        group=_group(given.get("group"), runs),
        labels=labels,
        raw=raw,
    )


def _wrong_shape(name: str, array: Array, must: str) -> DataError:
    return DataError(
        "E028",
        f"{name} must be {must}, got shape {list(array.shape)}",
        where=f"array {name}",
        fix="Runs come first, then queries, then samples; all arrays from the same selection.",
    )
