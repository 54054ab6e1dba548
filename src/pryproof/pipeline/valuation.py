"""Value samples by what models said of them: outputs of any framework to verdicts, no training.

Runs that trained on a sample vote on it. Cuts are each run's own, members against non-members
(methods A2); the false positive rate of held-out samples comes from cuts fitted on the other half.
Runs that trained on none of the samples tell what difficulty alone would give.
"""

from collections.abc import Sequence
from os import PathLike
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Int64

from pryproof.checks import known_name
from pryproof.pipeline.ballots import (
    Table,
    Vote,
    attack_scores,
    called,
    cast,
    checked,
    comparable,
    cuts_of,
    labels_of,
    names_of,
    notes_of,
    own_ranks,
    pop_ids,
    read_arrays,
    scores_of,
    unseen_ranks,
    valued_of,
)
from pryproof.pipeline.exposure import Case
from pryproof.pipeline.margins import MARGINS, said_of
from pryproof.pipeline.sharded import value_in_parts
from pryproof.pipeline.verdict_table import Columns, columns
from pryproof.pipeline.verdicts import Verdicts
from pryproof.records import Evidence
from pryproof.valuation.margin import finite_cuts
from pryproof.valuation.ranks import keys_of_rows

__all__ = ["Vote", "value"]


def value(
    outputs: object,
    *,
    ids: Sequence[str] | None = None,
    how: Vote | None = None,
    seed: int = 0,
    folder: str | PathLike[str] | None = None,
) -> Verdicts:
    """Value every sample that at least two of the runs trained on.

    ``outputs`` is a path (see ``data.outputs``), a mapping of arrays (see ``attacks.evidence``), or
    ``Evidence``; ``ids`` name the samples, left out: an array of that name in ``outputs``, or their
    numbers. ``how`` chooses margin and rule. Modified entropy is the attack; where the outputs
    have no logits or probabilities, confidence.

    With ``folder`` the same table is written to its ``samples.parquet`` part by part, and never
    held whole: for more samples than fit (see ``pipeline.sharded``).

    >>> phi = [[4.0, 3.0, -1.0, 0.0], [5.0, 2.0, 0.0, -2.0]]
    >>> found = value({"phi": phi, "member": [[1, 1, 0, 0], [1, 1, 0, 0]]})
    >>> found.risky, found.safe
    (['0'], ['1'])
    """
    how = how or Vote()
    known_name(how.margin, MARGINS, kind="margin")
    if folder is not None:
        return value_in_parts(outputs, ids=ids, how=how, seed=seed, folder=Path(folder))
    seen, ids = _read(outputs, ids)
    names = names_of(ids, seen.member.shape[1])
    labels = labels_of(seen)
    attack, scores = scores_of(seen)
    inside = seen.member
    hits, cut = _calls(inside, scores, labels)
    said = said_of(seen, scores - cut, cut, labels)
    margin = MARGINS[how.margin].of(said)
    valued = valued_of(inside)
    runs = np.flatnonzero(inside[:, valued].any(axis=1))
    order = own_ranks(
        lambda run: margin[runs[run], valued],
        inside[runs][:, valued],
        labels[valued] if how.by_class else None,
        content=lambda: (row[valued] for row in (*scores, labels.astype(np.float64))),
        seed=seed,
    )
    own = np.where(inside, margin, np.nan)[runs][:, valued] if how.rule == "risk_score" else None
    votes = cast(how, order, own)
    made = Columns(
        ids=names,
        labels=seen.labels,
        member=inside,
        valued=valued,
        runs=runs,
        called=hits,
        margin=margin,
        excess=MARGINS["excess"].of(said) if comparable(inside, valued) else None,
        ranks=order,
        votes=votes,
        attacks=attack_scores(seen),
    )
    return Verdicts(
        table=columns(made),
        ranks=order,
        unseen_ranks=unseen_ranks(said, valued, how, runs=len(runs), seed=seed),
        margin=how.margin,
        attack=attack,
        rule=votes.rule,
        asked=how.rule,
        share=how.share,
        case=Case(said=said, valued=valued, runs=runs, how=how, seed=seed),
        notes=tuple(notes_of(how, votes, valued, inside)),
    )


def _read(given: object, ids: Sequence[str] | None) -> tuple[Evidence, Sequence[str] | None]:
    if isinstance(given, Evidence):
        return given, ids
    arrays, name = read_arrays(given)
    ids = pop_ids(arrays, ids)
    return checked(arrays, name), ids


def _calls(
    inside: Bool[np.ndarray, "runs samples"], scores: Table, labels: Int64[np.ndarray, " samples"]
) -> tuple[Bool[np.ndarray, "runs samples"], Table]:
    """Return what each run's attack calls a member, and every sample's cut."""
    sample_keys, run_keys = keys_of_rows(
        lambda: (*scores, labels.astype(np.float64)), samples=len(labels), seed=0
    )
    cuts = cuts_of(lambda run: scores[run], inside, labels, run_keys[:-1])
    cut, hits = np.empty(scores.shape), np.empty(scores.shape, dtype=np.bool_)
    for run, own in cuts.items():
        cut[run] = finite_cuts(own)[labels]
        hits[run] = called(scores[run], inside[run], labels, sample_keys, own)
    return hits, cut
