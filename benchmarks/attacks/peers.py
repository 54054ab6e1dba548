"""Other programs, where they are at hand: installed packages, and scripts in clones of their own.

``PRYPROOF_PEERS`` names a folder of clones, each in a folder called ``owner+name`` or ``name``.
Their files are loaded as they are; what they import and do not use for the measured functions is
stood in for. What is not there is left out, and the table says so.
"""

import importlib
import importlib.util
import os
import sys
import types
from collections.abc import Callable
from pathlib import Path
from types import ModuleType


def clone(owner: str, name: str) -> Path | None:
    """Return the folder of a clone, or None."""
    folder = os.environ.get("PRYPROOF_PEERS")
    for candidate in (f"{owner}+{name}", name):
        if folder and (Path(folder) / candidate).is_dir():
            return Path(folder) / candidate
    return None


def script(owner: str, name: str, path: str, *, absent: tuple[str, ...] = ()) -> ModuleType | None:
    """Load one file of a clone; modules named ``absent`` are stood in for."""
    folder = clone(owner, name)
    if folder is None or not (folder / path).exists():
        return None
    before = {each: sys.modules.get(each) for each in absent}
    for each in absent:
        sys.modules[each] = _stand_in(each)
    try:
        spec = importlib.util.spec_from_file_location(
            f"peer_{name}_{Path(path).stem}", folder / path
        )
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    except Exception as error:  # noqa: BLE001 - whatever a peer's file does, ours is measured
        print(f"not measured: {owner}/{name} {path} ({type(error).__name__}: {error})")
        return None
    finally:
        for each, module_before in before.items():
            if module_before is None:
                del sys.modules[each]
            else:
                sys.modules[each] = module_before
    return module


def installed(name: str) -> ModuleType | None:
    """Import a package, or return None."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


class _Anything(type):
    """The type of classes that have every attribute and take every item."""

    def __getattr__(cls, name: str) -> Callable[..., None]:
        return lambda *_, **__: None

    def __setitem__(cls, key: object, value: object) -> None: ...


def _stand_in(name: str) -> ModuleType:
    def part(attribute: str) -> object:
        if attribute == "tqdm":
            return lambda iterable, **_: iterable
        return _Anything(attribute, (), {})

    module = types.ModuleType(name)
    module.__path__ = []  # a package, so that its parts can be imported
    module.__getattr__ = part
    return module


def package(owner: str, name: str, path: str, module: str) -> ModuleType | None:
    """Import a module of a clone's package without running the packages' own ``__init__``.

    ``path`` is the outermost package's folder inside the clone.
    """
    folder = clone(owner, name)
    if folder is None:
        return None
    parts = module.split(".")
    for depth in range(1, len(parts)):
        parent = ".".join(parts[:depth])
        if parent not in sys.modules:
            shell = types.ModuleType(parent)
            shell.__path__ = [str(folder.joinpath(path, *parts[1:depth]))]
            sys.modules[parent] = shell
    try:
        return importlib.import_module(module)
    except ImportError as error:
        print(f"not measured: {owner}/{name} {module} ({error})")
        return None
