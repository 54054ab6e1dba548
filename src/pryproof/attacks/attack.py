"""A named attack: how it scores, where it comes from, and what a user may set."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float, Int64

from pryproof.records import Evidence

Options = Mapping[str, float | None]


@dataclass(frozen=True, kw_only=True)
class Thresholds:
    """Cuts on a score oriented higher = member: one per class, and the one of all classes together.

    ``fallback`` marks the classes without members or without non-members, which use ``overall``.
    +inf means "call nobody a member".
    """

    per_class: Float[np.ndarray, " classes"]
    overall: float
    fallback: Bool[np.ndarray, " classes"]


@runtime_checkable
class Fit(Protocol):
    """Cuts from scores whose membership is known."""

    def __call__(
        self,
        members: Float[np.ndarray, " members"],
        member_labels: Int64[np.ndarray, " members"],
        nonmembers: Float[np.ndarray, " nonmembers"],
        nonmember_labels: Int64[np.ndarray, " nonmembers"],
        *,
        classes: int,
    ) -> Thresholds: ...


@runtime_checkable
class Score(Protocol):
    """Scores of every sample under each target run, float64, higher = more likely a member.

    ``reference`` is evidence whose membership the attacker knows (shadow models, or samples
    apart from the judged ones). The target's own row of ``member`` never enters its scores,
    unless the attack needs known members and there is neither a reference nor another run;
    then ``attacks.calibration`` splits the samples so that none judges itself.
    """

    def __call__(
        self,
        evidence: Evidence,
        targets: Int64[np.ndarray, " targets"],
        *,
        reference: Evidence | None,
        options: Options,
    ) -> Float[np.ndarray, "targets samples"]: ...


@dataclass(frozen=True, kw_only=True)
class Attack:
    """One line of ``ATTACKS``.

    ``source`` names paper or program, ``differs`` what sets this variant apart (quirks
    included). ``options`` are the names a user may set, with their defaults; None = chosen by the
    attack. ``per_class`` says whether the cut between member and non-member is one per class, and
    ``fixed_cut`` gives it where it is part of the definition; ``fit`` finds it, None = our own rule
    (``attacks.threshold.fit``). ``calibrates`` says on whose scores a cut may be fitted where no
    reference is given: those of other "runs", or, for attacks whose scores of other runs rest on
    the target too, those of other "samples" of the target.
    """

    score: Score
    source: str
    differs: str = ""
    options: Options = field(default_factory=dict)
    per_class: bool = False
    fixed_cut: float | None = None
    fit: Fit | None = None
    calibrates: Literal["runs", "samples"] = "samples"
