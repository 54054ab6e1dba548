"""Ours 2 and 3, and the frontier: what fakes buy beside DP-SGD, controls, and the dull baselines.

Where the size's data do not hold as many further reals for the ceiling, all rows train on three
fifths of its members. Rows with added images are judged at equal epochs and at equal steps.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from pryproof.pipeline.settings import Settings
from pryproof.recipes.beaten import beaten, named
from pryproof.recipes.claims import Checked, Claim, check
from pryproof.recipes.compared import (
    FPR,
    LOW_FPR,
    Order,
    Place,
    accuracies,
    by_lira,
    change,
    judged,
    low_tpr,
    ordered,
)
from pryproof.recipes.exposed import TENTH, tail
from pryproof.recipes.figure import Figure
from pryproof.recipes.figure7 import CE, FAKES, MOVED, RELAXED, RELAXED_FAKES, SELENA
from pryproof.recipes.opened import Opened
from pryproof.recipes.recipe import Need, Recipe
from pryproof.recipes.sizes import Size, changed
from pryproof.records import Estimate
from pryproof.reporting.panels import Points, Table

STUDY, NOISIER, TUNED = "part", "part-noisier", "part-tuned"
NOISE = {STUDY: 0.1, NOISIER: 1.0}  # of DP-SGD: for utility (methods 11.2), and for a guarantee
ACCEPTABLE = 0.02  # test accuracy that a defense may cost; the bar is ours

EXTRA, EARLY = "extra", "early_stopping"
CONTROLS = {  # what else as many images could be -> in words
    FAKES: "fakes as generated",
    "noise": "images of noise",
    "noise_copies": "noisy copies",
    "copies": "static copies",
    "permuted_fakes": "fakes under other labels",
    "filtered": "a blur and a contrast filter for the transform",
    EXTRA: "further reals",
}
EQUAL_STEPS = tuple(f"{row}@steps" for row in (FAKES, MOVED, "copies", EXTRA))
BASELINES = (CE, EARLY, "ce_early", EXTRA)
ADDED = (*CONTROLS, MOVED, *EQUAL_STEPS)
MIXTURES = ("additive", "transformed_reals", "transformed_fakes", "fakes_alone")
DEFENSES = (  # that need no fakes, and the paper's with one that does
    RELAXED,
    RELAXED_FAKES,
    "relax_loss_transformed",
    SELENA,
    "hamp",
    "hamp_transformed",
    "crl",
    "dmp",
    "adversarial_regularisation",
    "memguard",
    "label_smoothing",
    "ce_cutout",
)
CHOICES = {  # rows of TUNED, where RelaxLoss's alpha is chosen by accuracy -> in words
    RELAXED: "RelaxLoss + crop/flip, alpha chosen",
    RELAXED_FAKES: "RelaxLoss + fake, alpha chosen",
}
EVERY = tuple(dict.fromkeys((*BASELINES, "ce", *DEFENSES, *ADDED, *MIXTURES)))


def part_of(count: int | None) -> int:
    """Return three fifths: of the members, so that as many further reals are left at every size.

    >>> part_of(1500)
    900
    """
    return (count or 0) * 3 // 5


def members_beside_extra(size: Size) -> int | None:
    """Return how many members leave as many further reals: all of them in a roomy size.

    >>> from pryproof.recipes.sizes import size
    >>> members_beside_extra(size("tiny")), members_beside_extra(size("small", "cifar-100"))
    (600, 5000)
    """
    members = size.base.data.members
    return members if size.roomy else part_of(members)


def _settings(size: Size, study: str) -> Settings:
    members = members_beside_extra(size)
    own = {TUNED: "relax_loss.alpha=chosen"}
    noise = f"defenses.dp_sgd.noise={NOISE.get(study, NOISE[STUDY])}"
    return changed(size.base, f"data.members={members}", own.get(study, noise))


def _need(size: Size, rows: Sequence[str], study: str = STUDY) -> Need:
    return judged(_settings(size, study), tuple(dict.fromkeys(rows)), size)


def _needs_controls(size: Size) -> dict[str, Need]:
    return {STUDY: _need(size, (CE, *ADDED))}


def _needs_dp_sgd(size: Size) -> dict[str, Need]:
    return {
        STUDY: _need(size, (CE, EARLY, FAKES, MOVED, "dp_sgd")),
        NOISIER: _need(size, ("dp_sgd",), NOISIER),
    }


def _needs_frontier(size: Size) -> dict[str, Need]:
    return {
        STUDY: _need(size, (*EVERY, "dp_sgd")),
        NOISIER: _need(size, ("dp_sgd",), NOISIER),
        TUNED: _need(size, tuple(CHOICES), TUNED),
    }


def _place(row: str, study: str = STUDY) -> Place:
    words = f"DP-SGD, noise {NOISE[study]:g}" if row == "dp_sgd" else ""
    return Place(study=study, row=row, words=CHOICES[row] if study == TUNED else words)


DP_SGD = tuple(_place("dp_sgd", study) for study in NOISE)
BY_ACCURACY = tuple(_place(row, TUNED) for row in CHOICES)


def _name(place: Place) -> str:
    ending = f"-{NOISE[place.study]:g}" if place.row == "dp_sgd" else ""
    return place.row.replace("_", "-").replace("@", "-") + (
        "-chosen" if place.study == TUNED else ending
    )


def safer(first: Place, second: Place, words: str = "") -> Order:
    """Claim that LiRA's AUC is lower in the first place."""
    return Order(
        name=f"{_name(first)}-safer-than-{_name(second)}",
        sentence=f"{first.title} is safer than {words or second.title}.",
        of="lira_auc",
        lower=first,
        higher=second,
    )


def affordable(opened: Mapping[str, Opened], first: Place, second: Place, size: Size) -> Checked:
    """Check that the first place costs no more than ACCEPTABLE of the second's test accuracy."""
    claim = Claim(
        name=f"{_name(first)}-as-accurate-as-{_name(second)}",
        sentence=f"{first.title} costs at most {ACCEPTABLE:.0%} of test accuracy against "
        f"{second.title}.",
        quantity=f"test accuracy, {first.title} less {second.title}",
        side="above",
        bar=-ACCEPTABLE,
    )
    return check(claim, change(opened, "evaluation", (second, first), size))


def _read_controls(opened: Mapping[str, Opened], size: Size) -> Figure:
    protected = _place(MOVED)
    orders = [safer(protected, _place(row), words) for row, words in CONTROLS.items()]
    orders += [safer(_place(f"{row}@steps"), _place(CE)) for row in (FAKES, MOVED)]
    places = [_place(row) for row in (CE, *ADDED)]
    return Figure(
        panels=(by_lira(opened, places), accuracies(opened, places)),
        claims=tuple(ordered(opened, orders, size)),
        notes=(
            (
                "Fakes that are safer than every control are more than data added; at equal steps "
                "they are more than training for longer."
            ),
            *_fewer(size),
        ),
    )


def _read_dp_sgd(opened: Mapping[str, Opened], size: Size) -> Figure:
    places = [_place(CE), _place(EARLY), _place(FAKES), _place(MOVED), *DP_SGD]
    protected = _place(MOVED)
    claims: list[Checked] = []
    for private in DP_SGD:
        claims += ordered(opened, [safer(private, _place(CE)), safer(protected, private)], size)
        claims.append(affordable(opened, protected, private, size))
    return Figure(
        panels=(_plane(opened, places), _table(opened, places)),
        claims=tuple(claims),
        notes=(
            (
                "DP-SGD is the one row with a guarantee, and at little noise the guarantee says "
                "little; fakes of a generator that learned from the members have none."
            ),
            *_fewer(size),
        ),
    )


def _read_frontier(opened: Mapping[str, Opened], size: Size) -> Figure:
    places = [*(_place(row) for row in EVERY), *BY_ACCURACY, *DP_SGD]
    protected = _place(MOVED)
    claims: list[Checked] = []
    for other in (*map(_place, (CE, EARLY, RELAXED, SELENA)), BY_ACCURACY[0]):
        claims += ordered(opened, [safer(protected, other)], size)
        claims.append(affordable(opened, protected, other, size))
    by = beaten(opened, places)
    lost = frozenset(place.title for place in places if by[place])
    planes = (_plane(opened, places), *_rarest(opened, places), _worst(opened, places))
    return Figure(
        panels=(
            *(replace(plane, faint=lost, faint_words=FAINT) for plane in planes),
            _table(opened, places, by),
        ),
        claims=tuple(claims),
        notes=(
            BEATEN + _counted([place.title for place in places if not by[place]], len(places)),
            ANSWERS,
            COST,
            *_fewer(size),
        ),
    )


def _counted(unbeaten: Sequence[str], places: int) -> str:
    """Say how many places nothing beats; name them where they are the fewer."""
    said = f"Beaten by none: {len(unbeaten)} of {places}"
    return said + (f", {'; '.join(unbeaten)}." if 2 * len(unbeaten) <= places else ".")


def _plane(opened: Mapping[str, Opened], places: Sequence[Place]) -> Points:
    return _points(
        opened,
        places,
        f"TPR of LiRA at {FPR:.0%} FPR",
        [opened[place.study].attacks(place.row)["lira_tpr"] for place in places],
    )


def _rarest(opened: Mapping[str, Opened], places: Sequence[Place]) -> Iterator[Points]:
    """Draw the low false positive rate too, where non-members suffice for it."""
    leaks = [low_tpr(opened[place.study], place.row) for place in places]
    if not any(math.isnan(leak.value) for leak in leaks):
        yield _points(opened, places, f"TPR of LiRA at {LOW_FPR:.1%} FPR", leaks, chance=LOW_FPR)


def _worst(opened: Mapping[str, Opened], places: Sequence[Place]) -> Points:
    return _points(
        opened,
        places,
        f"TPR of LiRA at {FPR:.0%} FPR among the most exposed {TENTH:.0%}",
        [tail(opened[place.study], place.row) for place in places],
    )


def _points(
    opened: Mapping[str, Opened],
    places: Sequence[Place],
    x_title: str,
    leaks: list[Estimate],
    *,
    chance: float = FPR,
) -> Points:
    return Points(
        title=f"Accuracy against {x_title}",
        x_title=x_title,
        y_title="test accuracy",
        points=tuple(
            (place.title, leak, opened[place.study].accuracy(place.row, "evaluation"))
            for place, leak in zip(places, leaks, strict=True)
        ),
        chance=chance,
        log_x=True,
    )


def _table(
    opened: Mapping[str, Opened],
    places: Sequence[Place],
    by: Mapping[Place, Sequence[Place]] | None = None,
) -> Table:
    plain, quick = opened[STUDY].judged_row(CE)["steps"], opened[STUDY].seconds(CE)
    rows = []
    for place in places:
        study = opened[place.study]
        found = study.attacks(place.row)
        cells: tuple[Estimate | str, ...] = (
            study.accuracy(place.row, "evaluation"),
            found["lira_auc"],
            found["lira_tpr"],
            low_tpr(study, place.row),
            tail(study, place.row),
            found["modified_entropy"],
            found["correctness"],
            f"{study.judged_row(place.row)['steps'] / plain:.2g}x",
            f"{study.seconds(place.row) / quick:.2g}x",
        )
        rows.append((place.title, cells if by is None else (*cells, named(by[place]))))
    columns = COLUMNS if by is None else (*COLUMNS, "beaten by")
    return Table(title="Every way of training", columns=columns, rows=tuple(rows))


COLUMNS = (
    "test accuracy",
    "AUC of LiRA",
    "TPR at 1% FPR",
    "TPR at 0.1% FPR",
    f"TPR of the most exposed {TENTH:.0%}",
    "M-entropy, balanced accuracy",
    "label alone, balanced accuracy",
    "steps of SGD",
    "core time of one model",
)
BEATEN = (
    "Upper left is better. A row is beaten where another is safer, by LiRA's AUC, and more "
    "accurate on test images, both 95% intervals clear of zero (uncorrected for the number of "
    "pairs; extra reals, the ceiling, beat nobody). "
)
ANSWERS = (
    "HAMP and MemGuard change what is said, not the label: who reads labels alone sees through "
    "them."
)
COST = (
    "Core time is measured, as a multiple of plain training with crop and flip; teachers, "
    "generators and valuations that a model needs are counted with it."
)
FAINT = "Faint points are beaten: another is both safer and more accurate."
FEWER = (
    "Trained on three fifths of the size's members, so that further reals are left for the ceiling."
)


def _fewer(size: Size) -> tuple[str, ...]:
    return () if size.roomy else (FEWER,)


FRONTIER: dict[str, Recipe] = {
    "our2": Recipe(
        name="our2",
        title="Fakes beside DP-SGD",
        source="ours; Aerni et al. 2024",
        claims=6,
        needs=_needs_dp_sgd,
        read=_read_dp_sgd,
    ),
    "our3": Recipe(
        name="our3",
        title="The method, or merely more data",
        source="ours",
        claims=len(CONTROLS) + 2,
        needs=_needs_controls,
        read=_read_controls,
    ),
    "frontier": Recipe(
        name="frontier",
        title="Accuracy, leakage and cost of every way of training",
        source="ours",
        claims=10,
        needs=_needs_frontier,
        read=_read_frontier,
    ),
}
