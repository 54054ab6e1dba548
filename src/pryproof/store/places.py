"""Where a workspace may lie, and the marks that make a folder one."""

import stat
from pathlib import Path

from pryproof.checks import ConfigurationError, IntegrityError, MachineError
from pryproof.store.encodings import decode_json, encode_json
from pryproof.store.files import TEMPORARY, machine_errors, write_bytes

PRIVATE_FOLDER = 0o700
LAYOUT = 1
MARK = "workspace.json"
OBJECTS = "objects"
UNDERWAY = "underway"
IGNORE = ".gitignore"
LOCK = ".lock"
_SERVED = frozenset({"public_html", "htdocs", "wwwroot"})
_SHOWN = 12  # digits of a study's digest that tell two apart


def refuse_exposed(path: Path) -> None:
    """Refuse a folder that other users can change or the web may serve.

    A world-writable folder above is fine if it is sticky, as /tmp is: there nobody can replace what
    belongs to another.
    """
    if _SERVED.intersection(path.parts):
        raise _exposed(path, "the workspace would lie in a folder that the web may serve")
    for folder in (path, *path.parents):
        if not folder.exists():
            continue
        mode = folder.stat().st_mode
        sticky = folder != path and mode & stat.S_ISVTX
        if mode & stat.S_IWOTH and not sticky:
            raise _exposed(folder, "any user of this machine can change what lies in this folder")


def prepare(path: Path, study: str) -> None:
    """Make an absent, empty or half-prepared folder the study's workspace; the mark comes last."""
    with machine_errors(path):
        make_private(path / OBJECTS)
        path.chmod(PRIVATE_FOLDER)
    write_bytes(path / IGNORE, b"*\n")
    write_bytes(path / MARK, encode_json({"layout": LAYOUT, "study": study}))


def make_private(path: Path) -> None:
    """Make a folder and its absent parents, closed to others whatever the umask."""
    if path.is_dir():
        return
    make_private(path.parent)
    path.mkdir(PRIVATE_FOLDER, exist_ok=True)
    path.chmod(PRIVATE_FOLDER)


def is_marked(path: Path) -> bool:
    """Say whether the folder is a workspace."""
    return (path / MARK).exists()


def refuse_foreign(path: Path) -> None:
    """Refuse a folder with content that is not ours; what an interrupted start left is ours."""
    if path.exists() and not path.is_dir():
        raise ConfigurationError(
            "E061", "a workspace is a folder, this is a file", where=str(path), fix="Name another."
        )
    ours = {IGNORE, OBJECTS, LOCK}
    names = sorted(entry.name for entry in path.iterdir()) if path.is_dir() else []
    strange = [name for name in names if name not in ours and not name.startswith(TEMPORARY)]
    if strange:
        raise ConfigurationError(
            "E061",
            f"the folder is not empty and not a workspace: it holds {strange[0]!r}"
            + (f" and {len(strange) - 1} more" if strange[1:] else ""),
            where=str(path),
            fix="Name a folder that is empty or does not exist; nothing here was touched.",
        )


def check_mark(path: Path, study: str) -> None:
    """Compare the folder's mark with this version's layout and with the study that is asked for."""
    where = str(path / MARK)
    try:
        mark = decode_json((path / MARK).read_bytes())
        layout, found = int(str(mark["layout"])), str(mark["study"])
    except (OSError, ValueError, KeyError) as error:
        raise IntegrityError(
            "E063",
            "the mark of the workspace cannot be read",
            where=where,
            fix="Put it back from a copy, or name another folder.",
        ) from error
    if layout > LAYOUT:
        raise IntegrityError(
            "E063",
            f"the workspace has layout {layout}, this version of pryproof knows up to {LAYOUT}",
            where=where,
            fix="Use the newer pryproof, or name another folder.",
        )
    if found != study:
        raise IntegrityError(
            "E063",
            f"the workspace belongs to study {found[:_SHOWN]}, asked for is {study[:_SHOWN]}",
            where=str(path),
            fix="Name another folder, or go back to that study's settings (study file and --set).",
        )


def tighten(path: Path) -> None:
    """Close the folder to others where a copy or a hand has opened it."""
    if path.stat().st_mode & 0o077:
        with machine_errors(path):
            path.chmod(PRIVATE_FOLDER)


def _exposed(folder: Path, what: str) -> MachineError:
    return MachineError(
        "E061",
        what,
        where=str(folder),
        fix="Name a folder in your home.",
    )
