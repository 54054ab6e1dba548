"""All recipes by name: what can be measured of the paper's figures and tables, and our own."""

from pryproof.recipes.conjectures import CONJECTURES
from pryproof.recipes.figure1 import FIGURE_1
from pryproof.recipes.figure2 import FIGURE_2
from pryproof.recipes.figure3 import FIGURE_3
from pryproof.recipes.figure5 import FIGURE_5
from pryproof.recipes.figure7 import FIGURE_7
from pryproof.recipes.figure8 import FIGURE_8
from pryproof.recipes.figure9 import FIGURE_9
from pryproof.recipes.grids import GRIDS
from pryproof.recipes.ours import OURS
from pryproof.recipes.recipe import Recipe
from pryproof.recipes.table2 import TABLES

FIGURES: dict[str, Recipe] = {
    **FIGURE_1,
    **TABLES,
    **CONJECTURES,
    **FIGURE_2,
    **FIGURE_3,
    **FIGURE_5,
    **FIGURE_7,
    **FIGURE_8,
    **FIGURE_9,
    **GRIDS,
    **OURS,
}
