"""The four classic scores of one run, all oriented higher = member (methods section 1.1)."""

import numpy as np
from jaxtyping import Float

Signals = dict[str, Float[np.ndarray, " samples"]]


def correctness(signals: Signals) -> Float[np.ndarray, " samples"]:
    """Score 1 where the run classifies the sample correctly, else 0 (Yeom et al. 2018).

    >>> correctness({"correct": np.array([1.0, 0.0])})
    array([1., 0.])
    """
    return signals["correct"].copy()


def confidence(signals: Signals) -> Float[np.ndarray, " samples"]:
    """Score phi in nats: the order of p_y, without its saturation (Yeom et al. 2018).

    >>> confidence({"phi": np.array([2.5, -1.0])})
    array([ 2.5, -1. ])
    """
    return signals["phi"].copy()


def entropy(signals: Signals) -> Float[np.ndarray, " samples"]:
    """Score minus the prediction's entropy in nats; the label is not used (Shokri et al. 2017).

    >>> entropy({"entropy": np.array([0.5, 1.0])})
    array([-0.5, -1. ])
    """
    return -signals["entropy"]


def modified_entropy(signals: Signals) -> Float[np.ndarray, " samples"]:
    """Score minus the logarithm of the modified entropy in nats (Song and Mittal 2021).

    >>> modified_entropy({"log_mentropy": np.array([-3.0, 1.0])})
    array([ 3., -1.])
    """
    return -signals["log_mentropy"]
