"""Our own recipes: what the paper does not ask."""

from pryproof.recipes.canaries import CANARIES
from pryproof.recipes.exposed import EXPOSED
from pryproof.recipes.frontier import FRONTIER
from pryproof.recipes.recipe import Recipe
from pryproof.recipes.shield import SHIELD

OURS: dict[str, Recipe] = {**EXPOSED, **FRONTIER, **SHIELD, **CANARIES}
