"""Figure 3 of the paper: whether independent runs agree on who is safe, and RelaxLoss runs more.

Every ensemble stands beside chance and beside as many runs that never saw the members: these agree
too, on which images are easy. Early-stopped runs show what plain underfitting does. The paper does
not say whether its runs augment (methods A42): both are measured.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int64

from pryproof.evaluation.arms import difference
from pryproof.recipes.claims import Checked, Claim, check
from pryproof.recipes.figure import Figure
from pryproof.recipes.opened import Opened
from pryproof.recipes.recipe import Need, Recipe
from pryproof.recipes.sizes import Size, changed, with_rows
from pryproof.records import Estimate
from pryproof.reporting.panels import Bars, Histogram, Table
from pryproof.valuation.breakdown import CommonRank, rank_of_common
from pryproof.valuation.overlap import chance_corrected, overlap

BINS = (0.1, 0.25, 0.5)  # safest shares
CLAIMED = (0.25, 0.5)  # those the paper speaks of
FOLD = "shadow0"  # whose runs never saw the members
PLACES = 20  # bars of Figure 3d


@dataclass(frozen=True, kw_only=True)
class Ensemble:
    """Runs of a row of a study that differ in their seed alone."""

    study: str
    row: str
    title: str


CE = Ensemble(study="plain", row="ce", title="CE")
EARLY = Ensemble(study="plain", row="ce_early", title="CE, stopped early")
RELAXED = Ensemble(study="plain", row="relax_loss", title="RelaxLoss")
CE_AUGMENTED = Ensemble(study="augmented", row="ce_crop_flip", title="CE + crop/flip")
RELAXED_AUGMENTED = Ensemble(study="augmented", row="relax_loss", title="RelaxLoss + crop/flip")
ENSEMBLES = (CE, EARLY, RELAXED, CE_AUGMENTED, RELAXED_AUGMENTED)
PAIRS = {"": (CE, RELAXED), "-augmented": (CE_AUGMENTED, RELAXED_AUGMENTED)}

Ranks = Int64[np.ndarray, "runs members"]


def _needs(size: Size, *, strangers: bool) -> dict[str, Need]:
    found = {}
    for study in dict.fromkeys(each.study for each in ENSEMBLES):
        rows = {each.row: size.ensemble for each in ENSEMBLES if each.study == study}
        base = changed(size.base, f"value.runs={size.ensemble}")
        if study == "plain":
            base = changed(base, "train.padding=0")  # RelaxLoss without augmentation
        unseen = tuple(
            f"train/{FOLD}/{row}/{run}"
            for row in rows
            for run in range(size.ensemble if strangers else 0)
        )
        found[study] = Need(
            settings=with_rows(base, rows, size.ensemble, shadows=size.ensemble),
            rows=rows,
            tasks=unseen,
        )
    return found


def _ranks(opened: Mapping[str, Opened], each: Ensemble) -> Ranks:
    return opened[each.study].own_ranks(each.row)


def _strangers(opened: Mapping[str, Opened], each: Ensemble, size: Size) -> Ranks:
    return opened[each.study].own_ranks(each.row, fold=FOLD, count=size.ensemble)


def common(ranks: Ranks, share: float) -> Float[np.ndarray, "1 members"]:
    """Return 1 over the share where all runs have a sample in their safest ``share``, 0 elsewhere.

    ``[1, members]``: its mean is the overlap ratio of that bin.

    >>> common(np.array([[1, 2, 3, 4], [1, 3, 2, 4]]), 0.5)
    array([[2., 0., 0., 0.]])
    """
    size = overlap(ranks, 0.0, share).size
    marked = (ranks <= size).all(axis=0, keepdims=True)
    return marked * (ranks.shape[1] / size)


def _bars(all_ranks: Mapping[str, Ranks], others: Mapping[str, Ranks], runs: int) -> Bars:
    found = {
        title: [overlap(ranks, 0.0, share) for share in BINS]
        for title, ranks in _both(all_ranks, others)
    }
    chances = [each.chance for each in next(iter(found.values()))]
    return Bars(
        title=f"Members that all {runs} runs call safest",
        y_title="overlap ratio",
        groups=tuple(
            f"safest {share:.0%} (chance {chance:.2g})"
            for share, chance in zip(BINS, chances, strict=True)
        ),
        series=tuple(
            (title, tuple(each.ratio for each in overlaps)) for title, overlaps in found.items()
        ),
    )


def _both(all_ranks: Mapping[str, Ranks], others: Mapping[str, Ranks]) -> list[tuple[str, Ranks]]:
    pairs = []
    for title, ranks in all_ranks.items():
        pairs += [(title, ranks), (f"{title}, runs that never saw them", others[title])]
    return pairs


def _table(all_ranks: Mapping[str, Ranks], others: Mapping[str, Ranks]) -> Table:
    return Table(
        title="Overlap beyond chance: 0 is what chance gives, 1 full agreement",
        columns=tuple(f"safest {share:.0%}" for share in BINS),
        rows=tuple(
            (title, tuple(chance_corrected(overlap(ranks, 0.0, share)) for share in BINS))
            for title, ranks in _both(all_ranks, others)
        ),
    )


def _read_overlap(opened: Mapping[str, Opened], size: Size) -> Figure:
    ranks = {each.title: _ranks(opened, each) for each in ENSEMBLES}
    others = {each.title: _strangers(opened, each, size) for each in ENSEMBLES}
    runs = min(len(table) for table in (*ranks.values(), *others.values()))
    ranks, others = _first(ranks, runs), _first(others, runs)  # a ratio falls with the runs
    return Figure(
        panels=(_bars(ranks, others, runs), _table(ranks, others)),
        claims=tuple(_claims(ranks, others)),
        notes=(
            (
                "The paper claims the step from CE to RelaxLoss; what runs that never saw "
                "the members and runs stopped early agree on is our own check of what it means."
            ),
        ),
    )


def _first(tables: Mapping[str, Ranks], runs: int) -> dict[str, Ranks]:
    return {title: table[:runs] for title, table in tables.items()}


def _claims(ranks: Mapping[str, Ranks], others: Mapping[str, Ranks]) -> Iterator[Checked]:
    for suffix, (plain, relaxed) in PAIRS.items():
        own, words = ranks[relaxed.title], " with augmentation" if suffix else ""
        for share in CLAIMED:
            bin_name, bin_words = f"{100 * share:g}{suffix}", f"the safest {share:.0%}{words}"
            yield _agree_more(
                own,
                ranks[plain.title],
                share,
                name=f"relax-loss-beyond-ce-{bin_name}",
                sentence=f"RelaxLoss runs agree more than CE runs on {bin_words}.",
            )
            yield _agree(own, share, f"relax-loss-beyond-chance-{bin_name}", bin_words)
            yield _agree_more(
                own,
                others[relaxed.title],
                share,
                name=f"relax-loss-beyond-strangers-{bin_name}",
                sentence=f"They agree more than runs that never saw them on {bin_words}.",
            )
            if relaxed is RELAXED:
                yield _agree_more(
                    own,
                    ranks[EARLY.title],
                    share,
                    name=f"relax-loss-beyond-early-{bin_name}",
                    sentence=f"They agree more than CE runs stopped early on {bin_words}.",
                )


def _agree_more(own: Ranks, other: Ranks, share: float, *, name: str, sentence: str) -> Checked:
    claim = Claim(
        name=name,
        sentence=sentence,
        quantity=f"difference of the overlap ratios, safest {share:.0%}",
        side="above",
    )
    return check(claim, difference(common(other, share), common(own, share)))


def _agree(own: Ranks, share: float, name: str, words: str) -> Checked:
    found = overlap(own, 0.0, share)
    claim = Claim(
        name=name,
        sentence=f"RelaxLoss runs agree on {words}.",
        quantity=f"overlap ratio, safest {share:.0%}, against chance",
        side="above",
        bar=found.chance,
    )
    return check(claim, found.ratio)


def _read_accuracies(opened: Mapping[str, Opened], size: Size) -> Figure:  # noqa: ARG001 - a seam
    found = {
        part: tuple(opened[each.study].accuracy(each.row, part) for each in ENSEMBLES)
        for part in ("members", "evaluation")
    }
    panel = Bars(
        title="Accuracy of the ensembles",
        y_title="share classified rightly",
        groups=tuple(each.title for each in ENSEMBLES),
        series=(("train", found["members"]), ("test", found["evaluation"])),
    )
    return Figure(
        panels=(panel,), claims=(), notes=("The paper shows these accuracies and claims nothing.",)
    )


def _read_ranks(opened: Mapping[str, Opened], size: Size) -> Figure:
    series, claims = [], []
    for suffix, (plain, relaxed) in PAIRS.items():
        safe = _ranks(opened, relaxed)
        seen = rank_of_common(safe, _ranks(opened, plain))
        unseen = rank_of_common(safe, _strangers(opened, plain, size))
        words = " with augmentation" if suffix else ""
        claims += _of_ranks(seen, unseen, suffix, words)
        series += [
            (f"in {plain.title} runs", _counts(seen)),
            (f"in {plain.title} runs that never saw them", _counts(unseen)),
        ]
    panel = Histogram(
        title="Where members that all RelaxLoss runs call safe stand in CE runs",
        x_title="mean place in CE runs, 0 = safest",
        y_title="members",
        edges=np.linspace(0.0, 1.0, PLACES + 1),
        series=tuple(series),
    )
    return Figure(panels=(panel,), claims=tuple(claims))


def _of_ranks(seen: CommonRank, unseen: CommonRank, suffix: str, words: str) -> list[Checked]:
    most = Claim(
        name=f"safe-in-ce-too{suffix}",
        sentence=f"Most of what RelaxLoss calls safe lies in CE's safer half{words}.",
        quantity="share of common safe members in the safer half of CE's order",
        side="above",
        bar=seen.chance,
    )
    beyond = Claim(
        name=f"safe-in-ce-beyond-strangers{suffix}",
        sentence=f"More of it lies there than in runs that never saw them{words}.",
        quantity="difference of the shares in the safer half",
        side="above",
    )
    return [check(most, seen.below), check(beyond, _more_below(seen, unseen))]


def _more_below(seen: CommonRank, unseen: CommonRank) -> Estimate:
    if not seen.common.any():
        return seen.below  # not estimable, and it says why
    below = [(each.fraction < seen.chance).astype(np.float64)[None] for each in (unseen, seen)]
    return difference(below[0], below[1])


def _counts(found: CommonRank) -> Int64[np.ndarray, " places"]:
    return np.histogram(found.fraction, PLACES, (0.0, 1.0))[0].astype(np.int64)


Read = Callable[[Mapping[str, Opened], Size], Figure]


def _recipe(
    name: str, title: str, *, source: str, claims: int, read: Read, strangers: bool
) -> Recipe:
    return Recipe(
        name=name,
        title=title,
        source=source,
        claims=claims,
        needs=lambda size: _needs(size, strangers=strangers),
        read=read,
    )


FIGURE_3: dict[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        _recipe(
            "fig3a",
            "Agreement of runs on who is safe",
            source="Figure 3a",
            claims=7 * len(CLAIMED),
            read=_read_overlap,
            strangers=True,
        ),
        _recipe(
            "fig3b",
            "Accuracies of CE and RelaxLoss",
            source="Figure 3b, c",
            claims=0,
            read=_read_accuracies,
            strangers=False,
        ),
        _recipe(
            "fig3d",
            "Common safe members of RelaxLoss in CE's order",
            source="Figure 3d",
            claims=4,
            read=_read_ranks,
            strangers=True,
        ),
    )
}
