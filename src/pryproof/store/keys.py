"""The name of a result: a digest of everything that may change it, and of nothing else."""

import hashlib
import json
import math
from collections.abc import Mapping

from pryproof.checks import ConfigurationError

DIGITS = 40


def key(step: str, version: int, settings: Mapping[str, object], inputs: Mapping[str, str]) -> str:
    """Return the key of a step's result: 40 hexadecimal digits of a SHA-256 over canonical JSON.

    ``version`` is that of the step's code, ``inputs`` holds the keys or digests of what it reads.
    The order of names, and tuple or list, do not matter; 1 and 1.0 differ.

    >>> key("train", 1, {"epochs": 3}, {}) == key("train", 1, {"epochs": 4}, {})
    False
    """
    document = {
        "step": step,
        "version": version,
        "settings": _canonical(settings, "settings"),
        "inputs": _canonical(inputs, "inputs"),
    }
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:DIGITS]


def _canonical(value: object, where: str) -> object:
    if isinstance(value, Mapping):
        return {_name(n, where): _canonical(item, f"{where}.{n}") for n, item in value.items()}
    if isinstance(value, list | tuple):
        return [_canonical(item, f"{where}[{index}]") for index, item in enumerate(value)]
    if isinstance(value, float) and not math.isfinite(value):
        raise ConfigurationError(
            "E043", f"a setting must be finite, got {value}", where=where, fix="Give a number."
        )
    if value is None or isinstance(value, str | int | float):
        return value
    raise ConfigurationError(
        "E042",
        f"a setting must be text, number, truth value, list or table, got {type(value).__name__}",
        where=where,
        fix="Convert it first.",
    )


def _name(name: object, where: str) -> str:
    if not isinstance(name, str):
        raise ConfigurationError(
            "E042",
            f"the names in a table must be text, got {name!r}",
            where=where,
            fix="Quote the name.",
        )
    return name
