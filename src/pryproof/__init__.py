"""Find the images a classifier gives away, shield them with fakes, prove what that bought.

Names are imported when first used, so ``import pryproof`` takes no torch and no time.

>>> import pryproof as pp
>>> sorted(name for name in dir(pp) if name[0].isupper())
['Audit', 'Machine', 'Settings', 'Study', 'Verdicts', 'Vote']
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pryproof.pipeline.attack import attack
    from pryproof.pipeline.audit import Audit
    from pryproof.pipeline.settings import Machine, Settings
    from pryproof.pipeline.study import Study
    from pryproof.pipeline.valuation import Vote, value
    from pryproof.pipeline.verdicts import Verdicts
    from pryproof.recipes.demo import demo

__version__ = "0.1.0"
__all__ = [
    "Audit",
    "Machine",
    "Settings",
    "Study",
    "Verdicts",
    "Vote",
    "attack",
    "demo",
    "value",
]

_HOMES = {
    "Audit": "pryproof.pipeline.audit",
    "Machine": "pryproof.pipeline.settings",
    "Settings": "pryproof.pipeline.settings",
    "Study": "pryproof.pipeline.study",
    "attack": "pryproof.pipeline.attack",
    "demo": "pryproof.recipes.demo",
    "value": "pryproof.pipeline.valuation",
    "Verdicts": "pryproof.pipeline.verdicts",
    "Vote": "pryproof.pipeline.valuation",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whatever the module holds under that name
    if name not in _HOMES:
        raise AttributeError(f"module 'pryproof' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
