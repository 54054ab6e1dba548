"""Our own recipes are named as such, and are all in the one table."""

from pryproof.recipes.figures import FIGURES
from pryproof.recipes.ours import OURS


def test_all_of_ours_are_there():
    assert set(OURS) == {"our1", "our2", "our3", "our4", "our5", "our6", "frontier"}
    assert OURS.items() <= FIGURES.items()
    assert all(recipe.source.startswith("ours") for recipe in OURS.values())
