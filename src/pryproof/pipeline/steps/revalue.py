"""revalue: look again at the members once the protected classifiers are trained.

What the transform is for is a change of verdict, so members are valued anew: those that were moved
as G_r2s shows them, by runs trained on them so, with cuts from images moved likewise that nobody
trained on. And an attacker may query with G_r2s(x) too.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict

import numpy as np
from jaxtyping import Float64, Int64

from pryproof.attacks import THRESHOLD_ATTACKS, threshold
from pryproof.attacks.lira import lira_offline
from pryproof.attacks.signals import signals
from pryproof.evaluation.estimates import mean_accuracy, not_estimable, tpr_estimate
from pryproof.models.resolve import build
from pryproof.pipeline.steps.call import Call, Loaded, Result
from pryproof.pipeline.steps.value import picked, voted
from pryproof.pipeline.task import CONTROL, PROTECTED
from pryproof.records import Estimate
from pryproof.reporting.content import Finding
from pryproof.store.workspace import Stored
from pryproof.training.predict import predict, with_weights
from pryproof.valuation.margin import signed_margin
from pryproof.valuation.ranks import ranks
from pryproof.valuation.votes import RISKY, SAFE, VAGUE

FPR = 0.01
WORDS = {"safe": SAFE, "vague": VAGUE, "risky": RISKY}
Said = dict[str, np.ndarray]
Scores = Float64[np.ndarray, "runs samples"]


def revalue(call: Call) -> Result:
    """Return verdicts before and after as arrays, and what they and adaptive queries show."""
    data = Loaded.of(call.inputs["load"])
    before = call.inputs["value"].arrays["verdict"]
    after, control = _after(call, data, before), _control(call, data)
    call.progress(0.4, "queries with G_r2s(x)")
    lines = [*_moved(before, after, control), *_adaptive(call, data)]
    arrays = {"verdict_after": after, "verdict_control": control}
    return Result(arrays, {"findings": [asdict(line) for line in lines]})


def _runs(call: Call, row: str, fold: str) -> list[Stored]:
    return [stored for role, stored in call.inputs.items() if role.startswith(f"{row}/{fold}")]


def _margins(
    seen: Said, labels: np.ndarray, unseen: Said, others: np.ndarray, classes: int
) -> np.ndarray:
    """Return the margins of what was trained on, by cuts against what was not."""
    score = THRESHOLD_ATTACKS["modified_entropy"]
    fitted = threshold.fit(score(seen), labels, score(unseen), others, classes=classes)
    return signed_margin(seen["log_mentropy"], labels, fitted)


def _part(said: Said, place: slice | np.ndarray) -> dict[str, np.ndarray]:
    return {name: values[place] for name, values in said.items()}


def _after(call: Call, data: Loaded, before: np.ndarray) -> Int64[np.ndarray, " members"]:
    """Vote on what protected runs trained on: members kept as they are, and moved ones."""
    members, outside = data.parts["members"], data.parts["outside"]
    kept, labels = before == SAFE, data.labels[members]
    margins = []
    for run in _runs(call, PROTECTED, "target"):
        said, moved = picked(run, "signal."), picked(run, "moved.")
        unseen = picked(run, "moved_outside.")
        sides = (
            (kept, _part(_part(said, members), kept), _part(said, outside)),
            (~kept, _part(moved, ~kept), unseen),
        )
        margin = np.zeros(len(labels))
        for mine, seen, others in sides:
            if mine.any():
                margin[mine] = _margins(
                    seen, labels[mine], others, data.labels[outside], len(data.classes)
                )
        margins.append(margin)
    return _verdicts(call, margins)


def _control(call: Call, data: Loaded) -> Int64[np.ndarray, " members"]:
    """Vote in the same way on as many runs that trained on the members untouched."""
    members, outside = data.parts["members"], data.parts["outside"]
    margins = []
    for run in _runs(call, CONTROL, "target"):
        said = picked(run, "signal.")
        margins.append(
            _margins(
                _part(said, members),
                data.labels[members],
                _part(said, outside),
                data.labels[outside],
                len(data.classes),
            )
        )
    return _verdicts(call, margins)


def _verdicts(call: Call, margins: Sequence[np.ndarray]) -> Int64[np.ndarray, " members"]:
    order = ranks(np.stack(margins), seed=call.settings["seed"])
    return voted(call.settings, order).verdict.astype(np.int64)


def _moved(before: np.ndarray, after: np.ndarray, control: np.ndarray) -> Iterator[Finding]:
    """Say which share of the members that were moved is voted safe afterwards."""
    for word in ("vague", "risky"):
        asked = before == WORDS[word]
        if not asked.any():
            continue
        now, untouched = (mean_accuracy((votes[asked] == SAFE)[None]) for votes in (after, control))
        yield Finding(
            stage="evaluate",
            what=f"members voted {word} that are voted safe once moved",
            value=now,
            good=True if now.low > untouched.high else False if now.high < untouched.low else None,
            meaning=f"Where nothing is moved (the same vote on {CONTROL} runs) {untouched} are "
            "voted safe. Verdicts are relative: what one sample gains another loses.",
            unit="%",
        )


def _adaptive(call: Call, data: Loaded) -> Iterator[Finding]:
    """Attack by queries with x, with G_r2s(x), and with whichever speaks louder."""
    moved = call.inputs["transform"].arrays
    asked = (moved["safer_reals"], moved["safer_evaluation"])
    labels = [data.labels[data.parts[name]] for name in ("members", "evaluation")]
    targets, shadows = (_runs(call, PROTECTED, fold) for fold in ("target", "shadow"))
    runs = [*targets, *shadows]
    by_moved = np.stack([_phi(call, data, run, asked, labels) for run in runs])
    places = [data.parts["members"], data.parts["evaluation"]]
    plain = np.stack(
        [np.concatenate([run.arrays["signal.phi"][place] for place in places]) for run in runs]
    )
    size = data.size("members")
    scores = {
        "x": _lira(plain, len(targets), size),
        "G_r2s(x)": _lira(by_moved, len(targets), size),
    }
    scores["the louder of both"] = np.maximum(*scores.values())
    for name, table in scores.items():
        yield Finding(
            stage="evaluate",
            what=f"LiRA TPR at 1% FPR on the transformed row, queries with {name}",
            value=_tpr(table[:, :size], table[:, size:], seed=call.settings["seed"]),
            good=None,
            meaning="An attacker who owns or rebuilds the transform chooses the query. Shadows "
            "repeat the road with a transform of their own.",
            unit="%",
        )


def _phi(
    call: Call, data: Loaded, run: Stored, asked: Sequence[np.ndarray], labels: Sequence[np.ndarray]
) -> Float64[np.ndarray, " samples"]:
    network = with_weights(
        build(call.settings["model"], classes=len(data.classes), shape=data.shape, seed=0),
        picked(run, "weight."),
    )
    said = [
        signals(predict(network, images), own, accelerate=False)["phi"]
        for images, own in zip(asked, labels, strict=True)
    ]
    return np.concatenate(said)


def _lira(phi: np.ndarray, targets: int, members: int) -> Scores:
    member = np.zeros(phi.shape, dtype=bool)
    member[:targets, :members] = True
    group = np.repeat([0, 1], [targets, len(phi) - targets])
    return lira_offline(phi, member, group)[:targets]


def _tpr(members: Scores, others: Float64[np.ndarray, "runs others"], *, seed: int) -> Estimate:
    if others.shape[1] * FPR < 1:
        return not_estimable(f"a TPR at {FPR:.0%} FPR needs {1 / FPR:.0f} non-members")
    return tpr_estimate(members, others, fpr=FPR, seed=seed)
