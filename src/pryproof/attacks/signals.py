"""What one run says about each sample: five signals from its logits (methods section 1.4).

All are written in the odds of the other classes against the likeliest one and in the label's gap
to it, so nothing saturates where a softmax would round to 1.
"""

import numpy as np
from jaxtyping import Bool, Float, Int64

from pryproof.attacks.signal_kernels import OFF_ONE
from pryproof.attacks.signal_margins import signals_by_logarithms
from pryproof.attacks.signal_sums import MOST, sums_of_logits, sums_of_probabilities
from pryproof.checks import DataError
from pryproof.compiled import available

Table = Float[np.ndarray, "samples classes"]
Labels = Int64[np.ndarray, " samples"]
Signals = dict[str, Float[np.ndarray, " samples"]]

LARGE = 4_000_000  # numbers from which on a compiled kernel soon repays its start
LOOKS_LIKE_ONE = 1e-4  # how near to 1 the sums of logits must be to be taken for probabilities
A_FEW = 64  # rows that are looked at before all
AT_ONCE = 8192  # samples worked on at a time: their numbers stay near the processor
NAMES = ("phi", "logp", "entropy", "log_mentropy", "correct")
LOWEST = -1e300  # a finite stand-in for -inf, to be multiplied by 0
FAINT = 1e-100  # odds whose square is still a normal number


def signals(logits: Table, labels: Labels, *, accelerate: bool | None = None) -> Signals:
    """Compute phi, logp, entropy, log_mentropy (nats) and correct (0 or 1) of every sample.

    phi = log p_y - log(1 - p_y), and logp = log p_y: higher = more confident in the label.
    log_mentropy is the logarithm of Song and Mittal's modified entropy: lower = more confident.
    All are float64; a tie for the largest logit goes to the lowest class. ``accelerate`` uses a
    compiled kernel where there is one: three times as fast, the same numbers to 1e-12 (relative).
    None = on much data; False = never, where the last digits must not depend on an extra.

    >>> out = signals(np.array([[2.0, 0.0, -1.0]]), np.array([0]))
    >>> {name: round(float(values[0]), 3) for name, values in out.items()}
    {'phi': 1.687, 'logp': -0.17, 'entropy': 0.524, 'log_mentropy': -3.166, 'correct': 1.0}
    """
    _refuse_unusable(logits, labels, name="logits")
    table = sums_of_logits(logits, labels, accelerate=_accelerated(logits, wanted=accelerate))
    # the label's gap is infinite too where the difference of two logits overflows
    _refuse_infinite(np.isnan(table[4]) | np.isinf(table[3]))
    _refuse_probabilities(logits)
    faint = np.concatenate([_finish(table, part) for part in _parts(len(labels))])
    if faint.size:
        table[:, faint] = signals_by_logarithms(logits[faint].astype(np.float64), labels[faint])
    return dict(zip(NAMES, table, strict=True))


def signals_from_probabilities(
    probabilities: Table, labels: Labels, *, accelerate: bool | None = None
) -> Signals:
    """Compute the five signals of ``signals`` where only probabilities were kept.

    1 - p_y is the sum of the others, in float64, and every row is divided by its sum: what float32
    probabilities still hold of a confident sample is kept. What they do not hold is infinite, and
    a tie: where all others are 0, phi = inf, log_mentropy = -inf; where p_y is 0, the contrary.
    A value above 1 by no more than 1e-6 is taken for rounding.

    >>> out = signals_from_probabilities(np.array([[1.0, 3e-9, 1e-9]]), np.array([0]))
    >>> {name: float(f"{values[0]:.4g}") for name, values in out.items()}
    {'phi': 19.34, 'logp': -4e-09, 'entropy': 8.36e-08, 'log_mentropy': -38.19, 'correct': 1.0}
    """
    _refuse_unusable(probabilities, labels, name="probabilities")
    table = sums_of_probabilities(
        probabilities, labels, accelerate=_accelerated(probabilities, wanted=accelerate)
    )
    if np.isnan(table[4]).any():
        raise _not_probabilities(probabilities, np.isnan(table[4]))
    some = np.concatenate([_finish(table, part) for part in _parts(len(labels))])
    some = some[np.isfinite(table[0, some])]  # infinite signals are what is meant
    if some.size:
        with np.errstate(divide="ignore"):  # the logarithm of 0
            logits = np.log(probabilities[some].astype(np.float64))
        table[:, some] = signals_by_logarithms(logits, labels[some])
    return dict(zip(NAMES, table, strict=True))


def _parts(samples: int) -> list[slice]:
    return [slice(at, at + AT_ONCE) for at in range(0, max(samples, 1), AT_ONCE)]


def _accelerated(table: Table, *, wanted: bool | None) -> bool:
    return (table.size >= LARGE if wanted is None else wanted) and available()


def _finish(table: Float[np.ndarray, "5 samples"], chosen: slice) -> Int64[np.ndarray, " faint"]:
    """Turn sums into signals, in their place; return the samples with too small odds.

    The likeliest class and the label are put back, each where it belongs.
    """
    part = table[:, chosen]
    rest, weighted, surprise, gap, leads = part
    other = 1.0 - leads  # 1 where the label is not the likeliest class
    with np.errstate(divide="ignore", invalid="ignore"):  # infinite signals are meant
        own = np.exp(gap) * other
        odds = rest + own  # of all classes but the likeliest, against it
        total, log_total, log_odds = 1.0 + odds, np.log1p(odds), np.log(odds)
        logp = gap - log_total
        phi = np.where(leads == 1, -log_odds, gap - np.log1p(rest))
        entropy = log_total + (weighted - own * np.maximum(gap, LOWEST)) / total
        likeliest = np.where(leads == 1, 0.0, log_total - log_odds)  # -log(1 - p_t)
        # rest + other: odds of all classes but the label, against the likeliest
        np.log((likeliest - (rest + other) * logp) / total + surprise, out=part[3])
    part[0], part[1], part[2] = phi, logp, entropy
    return chosen.start + np.flatnonzero(odds < FAINT)


def _refuse_unusable(table: Table, labels: Labels, *, name: str) -> None:
    classes = table.shape[1]
    if classes < 2:
        raise DataError(
            "E005",
            f"membership attacks need at least 2 classes, the {name} have {classes}",
            fix=f"Give one of the {name} per class.",
        )
    outside = np.flatnonzero((labels < 0) | (labels >= classes))
    if outside.size:
        raise DataError(
            "E025",
            f"labels must lie in 0..{classes - 1}, got {labels[outside[0]]}",
            where=f"sample {outside[0]}",
            fix=f"Number the classes from 0, as the columns of the {name}.",
        )


def _refuse_infinite(broken: Bool[np.ndarray, " samples"]) -> None:
    if broken.any():
        raise DataError(
            "E056",
            f"logits must be finite, {broken.sum()} of {len(broken)} samples have NaN or inf",
            where=f"sample {broken.argmax()}",
            fix="Look for divergence or half precision in the model that made them.",
        )


def _refuse_probabilities(logits: Table) -> None:
    """Refuse a table of at least two rows, every one of which could be a distribution."""
    if len(logits) < 2 or not _distributions(logits[:A_FEW]).all():
        return
    if _distributions(logits).all():
        raise DataError(
            "E056",
            "logits must be scores before the softmax, these are probabilities: every row lies in "
            "[0, 1] and sums to 1",
            where="array logits",
            fix="Name the array probabilities (signals_from_probabilities takes them).",
        )


def _distributions(rows: Table) -> Bool[np.ndarray, " rows"]:
    sums = rows.sum(axis=1, dtype=np.float64)
    return (rows.min(axis=1) >= 0) & (rows.max(axis=1) <= 1) & (abs(sums - 1) <= LOOKS_LIKE_ONE)


def _not_probabilities(rows: Table, broken: Bool[np.ndarray, " samples"]) -> DataError:
    first = broken.argmax()
    inside = (rows[first] >= 0) & (rows[first] <= MOST)
    total = rows[first].sum(dtype=np.float64)
    return DataError(
        "E056",
        f"probabilities must lie in [0, 1] and sum to 1 within {OFF_ONE:g}, "
        f"{broken.sum()} of {len(broken)} samples do not",
        where=f"sample {first} has "
        + (f"the sum {total:.6g}" if inside.all() else "a value outside"),
        fix="If these look like logits, name the array logits (signals takes them).",
    )
