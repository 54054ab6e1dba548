"""One run of all recipes is shared by all tests of this folder."""

from recipes.nano import whole

__all__ = ["whole"]
