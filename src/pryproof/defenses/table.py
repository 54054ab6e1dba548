"""The defenses of the comparison, by name: one line each."""

import importlib
from collections.abc import Callable
from typing import Any

from pryproof.defenses.adversarial_regularisation import adversarial_regularisation
from pryproof.defenses.augmentation import crop_flip, cutout, none, static_copies
from pryproof.defenses.crl import Relaxing, crl
from pryproof.defenses.dmp import dmp
from pryproof.defenses.early_stopping import early_stopping
from pryproof.defenses.fit import Fit
from pryproof.defenses.hamp import hamp
from pryproof.defenses.label_smoothing import label_smoothing
from pryproof.defenses.memguard import memguard
from pryproof.defenses.relax_loss import relaxed
from pryproof.defenses.selena import selena


def _crl(*, padding: int, **numbers: float) -> Fit:
    return crl(padding=padding, numbers=Relaxing(**numbers))


def _dp_sgd(**options: Any) -> Fit:  # noqa: ANN401 - handed on
    """Import late: Opacus is an extra."""
    return importlib.import_module("pryproof.defenses.dp_sgd").dp_sgd(**options)


DEFENSES: dict[str, Callable[..., Fit]] = {
    "none": none,
    "crop_flip": crop_flip,
    "cutout": cutout,
    "static_copies": static_copies,
    "label_smoothing": label_smoothing,
    "early_stopping": early_stopping,
    "relax_loss": relaxed,
    "hamp": hamp,
    "crl": _crl,
    "selena": selena,
    "dmp": dmp,
    "adversarial_regularisation": adversarial_regularisation,
    "memguard": memguard,
    "dp_sgd": _dp_sgd,
}
