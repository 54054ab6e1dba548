"""Find the images a classifier gives away, shield them with fakes, prove what that bought.

Names are imported when first used, so ``import pryproof`` takes no torch and no time.

>>> import pryproof as pp
>>> sorted(name for name in dir(pp) if name[0].isupper())
['Audit', 'FakeAudit', 'Machine', 'Settings', 'Study', 'Verdicts', 'Vote']
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pryproof.pipeline.attack import attack
    from pryproof.pipeline.audit import Audit
    from pryproof.pipeline.check_fakes import check_fakes
    from pryproof.pipeline.fake_audit import FakeAudit
    from pryproof.pipeline.settings import Machine, Settings
    from pryproof.pipeline.study import Study
    from pryproof.pipeline.valuation import Vote, value
    from pryproof.pipeline.verdicts import Verdicts
    from pryproof.recipes.demo import demo
    from pryproof.recipes.reproduce import reproduce

__version__ = "0.1.0"
__all__ = [
    "Audit",
    "FakeAudit",
    "Machine",
    "Settings",
    "Study",
    "Verdicts",
    "Vote",
    "attack",
    "check_fakes",
    "demo",
    "reproduce",
    "value",
]

_HOMES = {
    "Audit": "pryproof.pipeline.audit",
    "FakeAudit": "pryproof.pipeline.fake_audit",
    "Machine": "pryproof.pipeline.settings",
    "Settings": "pryproof.pipeline.settings",
    "Study": "pryproof.pipeline.study",
    "attack": "pryproof.pipeline.attack",
    "check_fakes": "pryproof.pipeline.check_fakes",
    "demo": "pryproof.recipes.demo",
    "reproduce": "pryproof.recipes.reproduce",
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
