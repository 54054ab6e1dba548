"""The sums of ``attacks.signal_sums`` in compiled loops: every row is read once and stays near.

Exponentials and logarithms are polynomials, interpolated at the Chebyshev nodes of an interval;
their relative errors there are below 3e-15. So a loop has no calls and works on many columns at a
time. Largest values are found among the bits, as whole numbers: of two positive floats the larger
has the larger bits.
"""

from collections.abc import Callable
from functools import cache

import numpy as np

from pryproof.compiled import compiled

# fmt: off
EXP = (  # exp(r), |r| <= log(2) / 2
    1.0, 1.0000000000000067, 0.5000000000000006, 0.16666666666554314, 0.041666666666573066,
    0.008333333385699212, 0.001388888893251478, 0.00019841170230570286, 2.480150431378554e-05,
    2.764019739169484e-06, 2.7626371065696354e-07,
)
LOG = (  # log((1 + s) / (1 - s)) / s in powers of s^2, (1 + s) / (1 - s) from 1/sqrt(2) to sqrt(2)
    2.0000000000000004, 0.6666666666655292, 0.40000000061741614, 0.2857141602110767,
    0.22223434547517906, 0.18121934431215214, 0.16837659970680488,
)
# -log(1 - p) / p, p from 0 to 1/1024, 1/16, 1/4, 1/2
TINY = (0.9999999999999986, 0.5000000000466408, 0.3333330945651252, 0.2503910625335326)
SMALL = (
    0.999999999999999, 0.5000000000020346, 0.33333333265125226, 0.2500000869260179,
    0.19999457581381913, 0.1668495961783124, 0.1394705776182739, 0.15691544890069037,
)
QUARTER = (
    0.9999999999999974, 0.5000000000029357, 0.3333333327758996, 0.25000004130518777,
    0.199998425331936, 0.1667019051926737, 0.14236057191876472, 0.12956316072556204,
    0.08353739131141905, 0.20740759844482742, -0.16198505552870818, 0.3853804193716391,
)
HALF = (
    0.9999999999999987, 0.5000000000016535, 0.33333333297861734, 0.2500000300635132,
    0.1999986607124649, 0.16670283661012344, 0.14221315144224314, 0.132973427213078,
    0.040013279718877096, 0.56702000246816, -2.198889308292557, 8.50485403749071,
    -23.07890752440956, 47.04407751876833, -68.33277026689467, 67.96592276771108,
    -41.380309078769386, 11.968324979162704,
)
# fmt: on
LOG2_E, LN_2 = 1.4426950408889634, 0.6931471805599453
MASKED = -708.0  # exp of it is the least normal float: as good as nothing
HALF_ROOT = 0x3FE6A09E667F3BCD  # the bits of sqrt(1/2)
LANES = 8
OFF_ONE = 1e-3  # how far the sum of given probabilities may be from 1


def exponential(v: float) -> float:
    """Return exp(v) for -708 <= v <= 0."""
    power = np.rint(v * LOG2_E)
    r = v - power * LN_2
    p = ((((EXP[10] * r + EXP[9]) * r + EXP[8]) * r + EXP[7]) * r + EXP[6]) * r + EXP[5]
    p = ((((p * r + EXP[4]) * r + EXP[3]) * r + EXP[2]) * r + EXP[1]) * r + EXP[0]
    bits = np.int64((np.int64(np.int32(power)) + 1023) << 52)  # a float's exponent
    scale: float = bits.view(np.float64)
    return p * scale


def logarithm(v: float) -> float:
    """Return log(v) for a normal v; for v = 0 some finite number."""
    bits = np.float64(v).view(np.int64)
    exponent = (bits - HALF_ROOT) >> 52
    f = np.int64(bits - (exponent << 52)).view(np.float64) - 1.0
    s = f / (2.0 + f)
    w = s * s
    p = (((LOG[6] * w + LOG[5]) * w + LOG[4]) * w + LOG[3]) * w + LOG[2]
    return ((p * w + LOG[1]) * w + LOG[0]) * s + np.float64(exponent) * LN_2


def tiny(weights: np.ndarray, scale: float) -> float:
    """Return the sum of -p log(1 - p) over p = scale * weights <= 1/1024."""
    total = 0.0
    for c in range(len(weights)):
        p = weights[c] * scale
        total += p * p * (((TINY[3] * p + TINY[2]) * p + TINY[1]) * p + TINY[0])
    return total


def small(weights: np.ndarray, scale: float) -> float:
    """Return the sum of -p log(1 - p) over p = scale * weights <= 1/16."""
    total = 0.0
    for c in range(len(weights)):
        p = weights[c] * scale
        v = ((SMALL[7] * p + SMALL[6]) * p + SMALL[5]) * p + SMALL[4]
        total += p * p * ((((v * p + SMALL[3]) * p + SMALL[2]) * p + SMALL[1]) * p + SMALL[0])
    return total


def quarter(weights: np.ndarray, scale: float) -> float:
    """Return the sum of -p log(1 - p) over p = scale * weights <= 1/4."""
    total = 0.0
    for c in range(len(weights)):
        p = weights[c] * scale
        v = ((QUARTER[11] * p + QUARTER[10]) * p + QUARTER[9]) * p + QUARTER[8]
        v = (((v * p + QUARTER[7]) * p + QUARTER[6]) * p + QUARTER[5]) * p + QUARTER[4]
        v = ((v * p + QUARTER[3]) * p + QUARTER[2]) * p + QUARTER[1]
        total += p * p * (v * p + QUARTER[0])
    return total


def half(weights: np.ndarray, scale: float) -> float:
    """Return the sum of -p log(1 - p) over p = scale * weights <= 1/2."""
    total = 0.0
    for c in range(len(weights)):
        p = weights[c] * scale
        v = (HALF[17] * p + HALF[16]) * p + HALF[15]
        v = ((((v * p + HALF[14]) * p + HALF[13]) * p + HALF[12]) * p + HALF[11]) * p + HALF[10]
        v = ((((v * p + HALF[9]) * p + HALF[8]) * p + HALF[7]) * p + HALF[6]) * p + HALF[5]
        v = (((v * p + HALF[4]) * p + HALF[3]) * p + HALF[2]) * p + HALF[1]
        total += p * p * (v * p + HALF[0])
    return total


def surprise(weights: np.ndarray, largest: np.int64, scale: float) -> float:
    """Return the sum of -p log(1 - p) over p = scale * weights <= 1/2.

    ``largest`` are the bits of the largest weight.
    """
    bound = np.int64(largest).view(np.float64) * scale
    if bound <= 1 / 1024:
        return tiny(weights, scale)
    if bound <= 1 / 16:
        return small(weights, scale)
    if bound <= 1 / 4:
        return quarter(weights, scale)
    return half(weights, scale)


def logit_loop(
    logits: np.ndarray, words: np.ndarray, labels: np.ndarray, form: np.ndarray, out: np.ndarray
) -> None:
    """Fill ``out`` with the sums of logits (``signal_sums``).

    ``words`` are the bits of the logits, as whole numbers; ``form`` holds, as such, those of
    infinity, all bits but the sign's, the number of the sign's bit, and the largest probability's.
    """
    classes = logits.shape[1]
    width = (classes + LANES - 1) // LANES * LANES
    z, e = np.full(width, MASKED), np.zeros(width)
    bits = e.view(np.int64)
    held = np.empty(1, words.dtype)
    value = held.view(logits.dtype)
    infinite, magnitude, sign = form[0], form[1], form[2]
    for i in range(len(logits)):
        row, word, label = logits[i], words[i], labels[i]
        held[0] = 0
        broken, highest = held[0], ~magnitude
        for c in range(classes):
            broken = max(broken, word[c] & infinite)
            # negative floats are ordered against their bits
            highest = max(highest, word[c] ^ ((word[c] >> sign) & magnitude))
        if broken == infinite:
            out[4, i] = np.nan
            continue
        held[0] = highest ^ ((highest >> sign) & magnitude)
        first = classes
        for c in range(classes):
            first = min(first, c if row[c] == value[0] else classes)
        top = np.float64(value[0])
        for c in range(classes):
            z[c] = max(np.float64(row[c]) - top, MASKED)
        gap = np.float64(row[label]) - top
        z[first] = z[label] = MASKED
        rest, weighted, largest = 0.0, 0.0, np.int64(0)
        for c in range(width):
            e[c] = exponential(z[c])
        for c in range(width):
            rest += e[c]
            weighted -= e[c] * z[c]
            largest = max(largest, bits[c])
        own = 0.0 if label == first else np.exp(gap)
        out[0, i], out[1, i], out[3, i], out[4, i] = rest, weighted, gap, label == first
        out[2, i] = surprise(e, largest, 1.0 / (1.0 + rest + own))


def probability_loop(
    probabilities: np.ndarray,
    words: np.ndarray,
    labels: np.ndarray,
    form: np.ndarray,
    out: np.ndarray,
) -> None:
    """Fill ``out`` with the sums of probabilities (``signal_sums``).

    ``words`` are the bits of the probabilities; ``form`` is that of ``logit_loop``.
    """
    classes = probabilities.shape[1]
    width = (classes + LANES - 1) // LANES * LANES
    p = np.zeros(width)
    bits = p.view(np.int64)
    held = np.empty(1, words.dtype)
    value = held.view(probabilities.dtype)
    for i in range(len(probabilities)):
        row, word, label = probabilities[i], words[i], labels[i]
        signs, highest = word[0], word[0]
        for c in range(classes):
            signs |= word[c]
            highest = max(highest, word[c])
        if signs < 0 or highest > form[3]:  # a sign, or above 1, or NaN
            out[4, i] = np.nan
            continue
        held[0] = highest
        first = classes
        for c in range(classes):
            first = min(first, c if row[c] == value[0] else classes)
        for c in range(classes):
            p[c] = np.float64(row[c])
        top, own = p[first], p[label]
        p[first] = p[label] = 0.0
        rest, weighted, largest = 0.0, 0.0, np.int64(0)
        for c in range(width):
            rest += p[c]
            weighted -= p[c] * logarithm(p[c])
            largest = max(largest, bits[c])
        total = float(rest + top + (0.0 if label == first else own))
        log_top = logarithm(float(top))
        out[0, i], out[1, i] = rest / top, max(weighted + rest * log_top, 0.0) / top
        out[2, i] = surprise(p, largest, 1.0 / total)
        out[3, i] = 0.0 if label == first else np.log(own) - log_top
        out[4, i] = label == first if abs(total - 1.0) <= OFF_ONE else np.nan


SURPRISE = (tiny, small, quarter, half, surprise)


@cache
def logit_kernel() -> Callable[..., None]:
    return compiled(logit_loop, calls=(exponential, *SURPRISE), reorder=True)


@cache
def probability_kernel() -> Callable[..., None]:
    return compiled(probability_loop, calls=(logarithm, *SURPRISE), reorder=True)
