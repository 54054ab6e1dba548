"""What a task keeps while it is under way, so that after a crash it goes on and not anew.

One file a part, ``underway/KEY/PART``: the digest of the content, then the content. A kept state
only saves time, so one that is damaged is as good as none: it is removed, and the task starts.
"""

import hashlib
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pryproof.store.encodings import (
    Array,
    decode_arrays,
    decode_json,
    encode_arrays,
    encode_json,
)
from pryproof.store.files import machine_errors, write_bytes
from pryproof.store.places import UNDERWAY, make_private

_FACTS = "__facts__"  # their JSON, among the arrays: one file is replaced at once, two are not
_PART = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]*")
_DIGEST = 32  # bytes of SHA-256


@dataclass(frozen=True, kw_only=True)
class Underway:
    """The place of one task's states within a workspace."""

    workspace: Path
    key: str

    def save(self, part: str, arrays: Mapping[str, Array], facts: Mapping[str, object]) -> None:
        """Replace a part's state, whole or not at all."""
        told = np.frombuffer(encode_json(facts), dtype=np.uint8)
        content = encode_arrays({**arrays, _FACTS: told})
        path = self._path(part)
        with machine_errors(path):
            make_private(path.parent)
        write_bytes(path, hashlib.sha256(content).digest() + content)

    def load(self, part: str) -> tuple[dict[str, Array], dict[str, Any]] | None:
        """Return a part's arrays and facts as they were saved last; None where there are none."""
        path = self._path(part)
        with machine_errors(path):
            data = path.read_bytes() if path.exists() else b""
        digest, content = data[:_DIGEST], data[_DIGEST:]
        if not content or hashlib.sha256(content).digest() != digest:
            path.unlink(missing_ok=True)
            return None
        arrays = decode_arrays(content)
        return arrays, decode_json(arrays.pop(_FACTS).tobytes())

    def forget(self) -> None:
        """Remove all parts: the task's result is stored."""
        with machine_errors(self.workspace):
            shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def _folder(self) -> Path:
        return self.workspace / UNDERWAY / self.key

    def _path(self, part: str) -> Path:
        if not _PART.fullmatch(part):
            raise ValueError(f"not a name for a part: {part!r}")
        return self._folder / part
