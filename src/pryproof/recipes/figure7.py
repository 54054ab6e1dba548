"""Figure 7 of the paper: accuracy and four attacks, with fakes, RelaxLoss and SELENA, by network.

Section 5.1 augments in all cases, so "CE" in a claim is CE with crop/flip; CE without is drawn
beside it. The cuts of the attacks come from shadow runs, never from what is judged (methods A20).
"""

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence

from pryproof.pipeline.failures import FAILED
from pryproof.pipeline.task import TARGET
from pryproof.recipes.claims import Checked, Claim, check
from pryproof.recipes.compared import (
    ATTACK_WORDS,
    Order,
    Place,
    accuracies,
    attacked,
    by_lira,
    change,
    judged,
    ordered,
)
from pryproof.recipes.figure import Figure
from pryproof.recipes.opened import Opened
from pryproof.recipes.provenance import images as images_of
from pryproof.recipes.recipe import Need, Recipe
from pryproof.recipes.sides import of_one_row
from pryproof.recipes.sizes import Size, of_network, with_rows
from pryproof.reporting.panels import Panel

NETWORKS = ("small", "large", "transformer")  # by their place in Size.models
CE, FAKES, MOVED = "ce_crop_flip", "fakes", "fakes_transformed"
RELAXED, RELAXED_FAKES, SELENA = "relax_loss", "relax_loss_fakes", "selena"
ROWS = ("ce", CE, FAKES, MOVED, RELAXED, RELAXED_FAKES)
STRONG, WEAK = ("correctness", "modified_entropy"), ("confidence", "entropy")
RANKED = ("confidence", "entropy", "modified_entropy")  # attacks fakes help against, says the paper

WORDS = {
    "ce": "CE without augmentation",
    CE: "CE",
    FAKES: "CE + fake",
    MOVED: "CE + fake, transformed",
    RELAXED: "RelaxLoss",
    RELAXED_FAKES: "RelaxLoss + fake",
    SELENA: "SELENA",
}
SHORT = {"modified_entropy": "m-entropy"}


def place(network: str, row: str) -> Place:
    """Return a row trained with a network."""
    return Place(study=network, row=row, words=WORDS[row])


def trained(size: Size, network: str, rows: Sequence[str]) -> Need:
    """Need rows trained with a network, and judged."""
    return judged(of_network(size, NETWORKS.index(network)), rows, size)


def _needs_small(size: Size) -> dict[str, Need]:
    return {"small": trained(size, "small", (*ROWS, SELENA))}


def _needs_large(size: Size) -> dict[str, Need]:
    settings = of_network(size, NETWORKS.index("large"))
    return {name: trained(size, name, ROWS) for name in ("small", "large")} | {
        "selena": Need(settings=with_rows(settings, {SELENA: 1}, 1), rows={SELENA: 1})
    }


def _needs_transformer(size: Size) -> dict[str, Need]:
    return {name: trained(size, name, (CE,)) for name in ("small", "large")} | {
        "transformer": trained(size, "transformer", ROWS)
    }


def _needs_other_images(size: Size) -> dict[str, Need]:
    return {name: trained(size, name, ROWS) for name in ("small", "large")}


def _panels(opened: Mapping[str, Opened], places: Sequence[Place]) -> tuple[Panel, ...]:
    return (accuracies(opened, places), attacked(opened, places), by_lira(opened, places))


def _riskiest(network: str, rows: Sequence[str]) -> Iterator[Order]:
    for row in rows:
        yield Order(
            name=f"reals-alone-riskier-than-{_name(row)}",
            sentence=f"CE on reals alone is riskier than {WORDS[row]}.",
            of="modified_entropy",
            lower=place(network, row),
            higher=place(network, CE),
        )


def _name(word: str) -> str:
    return SHORT.get(word, word.replace("_", "-"))


def _strongest(study: Opened, size: Size) -> Iterator[Checked]:
    decided = {attack: study.decided(CE, attack, shadows=size.shadows) for attack in ATTACK_WORDS}
    for strong, weak in itertools.product(STRONG, WEAK):
        claim = Claim(
            name=f"{_name(strong)}-above-{_name(weak)}",
            sentence=f"{ATTACK_WORDS[strong].capitalize()} attacks better than "
            f"{ATTACK_WORDS[weak]}, on CE.",
            quantity=f"balanced accuracy of {ATTACK_WORDS[strong]} less {ATTACK_WORDS[weak]}",
            side="above",
        )
        yield check(claim, of_one_row(decided[weak], decided[strong]))


def _against_others() -> Iterator[Order]:
    """Fakes beat RelaxLoss and SELENA on three attacks, and lose on correctness."""
    for own, other in itertools.product((FAKES, MOVED), (RELAXED, SELENA)):
        for attack in RANKED:
            yield Order(
                name=f"{_name(own)}-below-{_name(other)}-{_name(attack)}",
                sentence=f"{WORDS[own]} is safer than {WORDS[other]} from {ATTACK_WORDS[attack]}.",
                of=attack,
                lower=place("small", own),
                higher=place("small", other),
            )
        yield Order(
            name=f"{_name(other)}-below-{_name(own)}-correctness",
            sentence=f"{WORDS[other]} is safer than {WORDS[own]} from correctness.",
            of="correctness",
            lower=place("small", other),
            higher=place("small", own),
        )


TRANSFORM = tuple(
    Order(
        name=name,
        sentence=sentence,
        of=of,
        lower=place("small", MOVED),
        higher=place("small", FAKES),
    )
    for name, sentence, of in (
        (
            "transform-safer",
            "Fakes and transformed images are safer than fakes alone.",
            "modified_entropy",
        ),
        (
            "transform-less-accurate",
            "Fakes and transformed images cost test accuracy beyond fakes alone.",
            "evaluation",
        ),
    )
)


def _read_small(opened: Mapping[str, Opened], size: Size) -> Figure:
    rows = (*ROWS, SELENA)
    orders = (*_riskiest("small", rows[2:]), *_against_others(), *TRANSFORM)
    claims = (*_strongest(opened["small"], size), *ordered(opened, orders, size))
    panels = _panels(opened, [place("small", row) for row in rows])
    return Figure(panels=panels, claims=claims, notes=(AUGMENTED, NO_NUMBERS))


LARGER = tuple(
    Order(
        name=f"large-riskier-{_name(row)}",
        sentence=f"The large network is riskier than the small one with {WORDS[row]}.",
        of="modified_entropy",
        lower=Place(study="small", row=row, words=f"{WORDS[row]}, small network"),
        higher=Place(study="large", row=row, words=f"{WORDS[row]}, large network"),
    )
    for row in ROWS
)
BETTER = tuple(
    Order(
        name=f"large-generalises-better-{_name(row)}",
        sentence=f"The large network is more accurate than the small one with {WORDS[row]}.",
        of="evaluation",
        lower=Place(study="small", row=row, words=f"{WORDS[row]}, small network"),
        higher=Place(study="large", row=row, words=f"{WORDS[row]}, large network"),
    )
    for row in ROWS
)
WORSE = tuple(
    Order(
        name=f"correctness-worse-with-{_name(row)}",
        sentence=f"In the large network correctness finds more with {WORDS[row]} than with CE.",
        of="correctness",
        lower=place("large", CE),
        higher=place("large", row),
    )
    for row in (FAKES, MOVED)
)


def crashes(study: Opened, row: str) -> str:
    """Say how many runs of a row diverged.

    A row whose runs all diverged has no tables, but a count.
    """
    asked = study.rows[row]
    runs = [study.results[f"train/{TARGET}/{row}/{run}"] for run in range(asked)]
    return f"{sum(FAILED in run.facts for run in runs)} of {asked}"


def _read_large(opened: Mapping[str, Opened], size: Size) -> Figure:
    crashed = crashes(opened["selena"], SELENA)
    return Figure(
        panels=_panels(opened, [place("large", row) for row in ROWS]),
        claims=tuple(ordered(opened, (*LARGER, *BETTER, *WORSE), size)),
        notes=(
            AUGMENTED,
            (
                "The paper shows no SELENA here, for its runs crashed often: here "
                f"{crashed} diverged. It counts as a crash, not as a finding."
            ),
        ),
    )


def _read_transformer(opened: Mapping[str, Opened], size: Size) -> Figure:
    deeper = [
        Order(
            name=f"memorises-deeper-than-{network}",
            sentence=f"The transformer fits its members more closely than the {network} network.",
            of="members",
            lower=Place(study=network, row=CE, words=f"the {network} network"),
            higher=Place(study="transformer", row=CE, words="the transformer"),
        )
        for network in ("small", "large")
    ]
    best = [
        Order(
            name=f"relax-loss-fakes-above-{_name(row)}",
            sentence=f"RelaxLoss with fakes is more accurate than {WORDS[row]}.",
            of="evaluation",
            lower=place("transformer", row),
            higher=place("transformer", RELAXED_FAKES),
        )
        for row in (CE, FAKES, MOVED, RELAXED)
    ]
    return Figure(
        panels=_panels(opened, [place("transformer", row) for row in ROWS]),
        claims=tuple(ordered(opened, (*deeper, *best), size)),
        notes=(AUGMENTED, NO_NUMBERS),
    )


def _read_other_images(opened: Mapping[str, Opened], size: Size) -> Figure:
    places = [
        Place(study=name, row=row, words=f"{WORDS[row]}, {name} network")
        for name in ("small", "large")
        for row in ROWS
    ]
    return Figure(
        panels=_panels(opened, places),
        claims=tuple(_exceptions(opened, size)),
        notes=(
            AUGMENTED,
            (
                f"The paper shows Tiny-ImageNet; these images are from {images_of(size.base)}. "
                "Its claim is that exceptions exist: one that holds is one of them."
            ),
        ),
    )


def _exceptions(opened: Mapping[str, Opened], size: Size) -> Iterator[Checked]:
    for network, attack in itertools.product(("small", "large"), ATTACK_WORDS):
        claim = Claim(
            name=f"fakes-do-not-help-{network}-{_name(attack)}",
            sentence=f"In the {network} network fakes help {ATTACK_WORDS[attack]} to find more.",
            quantity=f"change of the balanced accuracy of {ATTACK_WORDS[attack]} with fakes",
            side="above",
        )
        pair = (place(network, CE), place(network, FAKES))
        yield check(claim, change(opened, attack, pair, size))


AUGMENTED = (
    "All but the first row are cropped and flipped; claims on CE are about CE with crop/flip."
)
NO_NUMBERS = "The paper's bars are not printed as numbers: what is claimed are orders."

Read = Callable[[Mapping[str, Opened], Size], Figure]
Needs = Callable[[Size], Mapping[str, Need]]

READ: dict[str, tuple[str, str, int, Needs, Read]] = {
    "fig7a": ("Defenses in the small network", "Figure 7a", 27, _needs_small, _read_small),
    "fig7b": ("Defenses in the large network", "Figure 7b", 14, _needs_large, _read_large),
    "fig7c": ("Defenses in the transformer", "Figure 7c", 6, _needs_transformer, _read_transformer),
    "fig7d": (
        "Where fakes do not help",
        "Figures 7d, 12",
        8,
        _needs_other_images,
        _read_other_images,
    ),
}
FIGURE_7: dict[str, Recipe] = {
    name: Recipe(name=name, title=title, source=source, claims=claims, needs=needs, read=read)
    for name, (title, source, claims, needs, read) in READ.items()
}
