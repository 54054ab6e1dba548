"""Figure 1 and Table 2 of the paper: what augmentation, more data and fakes do to memorisation."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pryproof.evaluation.arms import apart, contrast, difference
from pryproof.pipeline.settings import Settings
from pryproof.recipes import memorisation
from pryproof.recipes.claims import Checked, Claim, check
from pryproof.recipes.figure import Figure
from pryproof.recipes.memorisation import Arm
from pryproof.recipes.opened import Opened
from pryproof.recipes.recipe import Need, Recipe
from pryproof.recipes.sizes import Size, changed, with_rows
from pryproof.valuation.breakdown import shares

PLAIN = Arm(study="base", row="ce", title="no augmentation")
DYNAMIC = Arm(study="base", row="ce_crop_flip", title="crop/flip, drawn anew every epoch")
HALF = Arm(study="half", row="ce", title="half of the members")
FULL = Arm(study="base", row="ce", title="all members")
FAKES = Arm(study="base", row="fakes@augment_none", title="with as many fakes")
FAKES_4X = Arm(study="quadruple", row="fakes@augment_none", title="with three times as many fakes")
STATIC = Arm(study="base", row="ce_static", title="one static copy in place of each")
STATIC_8X = Arm(study="eightfold", row="ce_static", title="eight static copies in place of each")

Other = Callable[[Mapping[str, Opened]], Checked]

VARIANTS: dict[str, Callable[[Settings], Settings]] = {
    "base": lambda base: base,
    "half": lambda base: changed(base, f"data.members={(base.data.members or 0) // 2}"),
    "quadruple": lambda base: changed(base, "generate.amount=3"),
    "eightfold": lambda base: changed(base, "defenses.static_copies.copies=8"),
}


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """One pair of panels: two ways of training, and what the paper says of the change.

    ``rates`` is a claim on mean R, second arm less first; ``losses`` one on the mean loss;
    ``spread`` one on how far the losses lie apart. ``others`` are further checks, which may rest
    on ``also``, an arm that is not drawn.
    """

    first: Arm
    second: Arm
    rates: Claim | None = None
    losses: Claim | None = None
    spread: Claim | None = None
    others: tuple[Other, ...] = ()
    also: tuple[Arm, ...] = ()

    @property
    def claims(self) -> int:
        """How many sentences are checked."""
        own = (self.rates, self.losses, self.spread)
        return sum(claim is not None for claim in own) + len(self.others)

    def needs(self, size: Size) -> dict[str, Need]:
        """Return the runs of both arms."""
        rows: dict[str, dict[str, int]] = {}
        for arm in (self.first, self.second, *self.also):
            rows.setdefault(arm.study, {})[arm.row] = size.runs
        return {
            study: Need(settings=with_rows(VARIANTS[study](size.base), own, size.runs), rows=own)
            for study, own in rows.items()
        }

    def read(self, opened: Mapping[str, Opened], size: Size) -> Figure:  # noqa: ARG002 - a seam
        """Draw both histograms and check every claim."""
        arms = (self.first, self.second)
        checked = [
            found(opened, *arms, claim)
            for claim, found in (
                (self.rates, memorisation.lower),
                (self.losses, memorisation.losses_change),
                (self.spread, memorisation.spread_change),
            )
            if claim is not None
        ]
        checked += [other(opened) for other in self.others]
        panels = (*memorisation.histograms(opened, arms), memorisation.summary(opened, arms))
        return Figure(panels=panels, claims=tuple(checked))


def _half_are_exposed(opened: Mapping[str, Opened]) -> Checked:
    claim = Claim(
        name="half-exposed",
        sentence="More than half of the members are called members in half of the runs or more.",
        quantity="share of members with R of .5 or more",
        side="above",
        bar=0.5,
    )
    return check(claim, shares(opened["base"].called("ce")).at_least_50)


def _less_than_augmentation(opened: Mapping[str, Opened]) -> Checked:
    """Compare the fall from half to all members with the fall from plain to augmented."""
    claim = Claim(
        name="augmentation-does-more",
        sentence="Twice the members lower R, but by less than augmentation does.",
        quantity="fall of mean R from plain to augmented, less its fall from half to all members",
        side="above",
    )
    half, full = memorisation.tables(opened, HALF, FULL, "R")
    _, augmented = memorisation.tables(opened, HALF, DYNAMIC, "R")
    return check(claim, contrast([(2.0, full), (-1.0, augmented), (-1.0, half)]))


def _better_than(first: Arm, second: Arm, *, name: str, sentence: str) -> Other:
    """Return a check that the second arm's test accuracy lies above the first's."""
    claim = Claim(name=name, sentence=sentence, quantity="change of test accuracy", side="above")

    def checked(opened: Mapping[str, Opened]) -> Checked:
        arms = (opened[arm.study].right(arm.row, "evaluation") for arm in (first, second))
        one, two = arms
        if one.shape[1] == two.shape[1] and first.study == second.study:
            return check(claim, difference(one, two))
        return check(claim, apart(one, two))

    return checked


FALL = "change of mean R"
LOSS = "change of the members' mean loss (nats)"
SPREAD = "change of the members' mean distance from the mean loss (nats)"

PANELS: dict[str, tuple[str, str, Comparison]] = {
    "fig1a": (
        "No augmentation against augmentation",
        "Figure 1a, b",
        Comparison(
            first=PLAIN,
            second=DYNAMIC,
            rates=Claim(
                name="augmentation-lowers-R",
                sentence="Augmentation makes many risky members safer.",
                quantity=FALL,
                side="below",
            ),
            losses=Claim(
                name="augmentation-raises-losses",
                sentence="Augmentation changes the members' losses drastically, from .06 to .76.",
                quantity=LOSS,
                side="above",
                printed=0.70,
            ),
            spread=Claim(
                name="augmentation-spreads-losses",
                sentence="With augmentation the members' losses lie further apart.",
                quantity=SPREAD,
                side="above",
            ),
            others=(_half_are_exposed,),
        ),
    ),
    "fig1c": (
        "Half of the members against all",
        "Figure 1c, d",
        Comparison(
            first=HALF,
            second=FULL,
            rates=Claim(
                name="more-members-lower-R",
                sentence="Twice the members leave each of them safer.",
                quantity=FALL + ", on the members of both",
                side="below",
            ),
            also=(DYNAMIC,),
            others=(
                _less_than_augmentation,
                _better_than(
                    HALF,
                    FULL,
                    name="half-generalises-worse",
                    sentence="The model trained on half of the members generalises worse.",
                ),
            ),
        ),
    ),
    "fig1e": (
        "Members alone against members and as many fakes",
        "Figure 1e, f",
        Comparison(
            first=PLAIN,
            second=FAKES,
            rates=Claim(
                name="fakes-lower-R",
                sentence="As many fakes leave the members safer.",
                quantity=FALL,
                side="below",
            ),
            spread=Claim(
                name="fakes-spread-losses",
                sentence="With fakes the members' losses are flatter.",
                quantity=SPREAD,
                side="above",
            ),
        ),
    ),
    "fig1g": (
        "As many fakes against three times as many",
        "Figure 1g, h",
        Comparison(
            first=FAKES,
            second=FAKES_4X,
            rates=Claim(
                name="more-fakes-lower-R",
                sentence="Four times the training data leave the members safer than twice.",
                quantity=FALL,
                side="below",
            ),
            spread=Claim(
                name="more-fakes-spread-losses",
                sentence="With four times the data the losses are flatter than with twice.",
                quantity=SPREAD,
                side="above",
            ),
        ),
    ),
    "fig1i": (
        "No augmentation against one static copy",
        "Figure 1i, j",
        Comparison(
            first=PLAIN,
            second=STATIC,
            rates=Claim(
                name="static-lowers-R",
                sentence="A single augmentation drawn once lowers the memory of the originals.",
                quantity=FALL,
                side="below",
            ),
            losses=Claim(
                name="static-raises-losses",
                sentence="The originals' loss rises from .06 to 1.86.",
                quantity=LOSS,
                side="above",
                printed=1.80,
            ),
        ),
    ),
    "fig1k": (
        "One static copy against eight",
        "Figure 1k, l",
        Comparison(
            first=STATIC,
            second=STATIC_8X,
            rates=Claim(
                name="copies-recover-memory",
                sentence="Eight copies of each recover the memory of the originals.",
                quantity=FALL,
                side="above",
            ),
            losses=Claim(
                name="copies-lower-losses",
                sentence="With eight copies the originals' loss falls from 1.86 to .14.",
                quantity=LOSS,
                side="below",
                printed=-1.72,
            ),
            others=(
                _better_than(
                    STATIC,
                    STATIC_8X,
                    name="copies-generalise-better",
                    sentence="Eight copies achieve a higher test accuracy than one.",
                ),
            ),
        ),
    ),
    "fig1x": (
        "Augmentation every epoch against one static copy",
        "Figure 1a against 1i, section 3.1.3",
        Comparison(
            first=DYNAMIC,
            second=STATIC,
            rates=Claim(
                name="static-beats-dynamic",
                sentence="One static copy gives better privacy than augmentation every epoch.",
                quantity=FALL,
                side="below",
            ),
            others=(
                _better_than(
                    STATIC,
                    DYNAMIC,
                    name="dynamic-generalises-better",
                    sentence="Augmentation every epoch achieves a higher test accuracy.",
                ),
            ),
        ),
    ),
}

FIGURE_1: dict[str, Recipe] = {
    name: Recipe(
        name=name,
        title=title,
        source=source,
        claims=comparison.claims,
        needs=comparison.needs,
        read=comparison.read,
    )
    for name, (title, source, comparison) in PANELS.items()
}
