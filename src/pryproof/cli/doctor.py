"""doctor: what this machine has, in rows of what, found, ok."""

import importlib
import importlib.metadata
import os
import shutil
import sys
import tempfile
from pathlib import Path

LEAST_FREE = 2 * 10**9  # bytes; a demo's workspace takes some tens of megabytes, a real study more


def examine() -> list[tuple[str, str, bool]]:
    """Look at versions, cores, disk and whether this folder can be written."""
    version = ".".join(map(str, sys.version_info[:3]))
    rows = [("Python", version, sys.version_info >= (3, 11))]
    for name, least in (("torch", (2, 10)), ("numpy", (2, 0)), ("pyarrow", (18, 0))):
        rows.append(_distribution(name, least))
    cores = (
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    )
    rows.append(("CPU cores", str(cores), cores >= 1))
    rows.append(("CUDA devices", _devices(), True))
    free = shutil.disk_usage(Path.cwd()).free
    rows.append(("free disk here", f"{free / 1e9:.0f} GB", free >= LEAST_FREE))
    rows.append(("this folder can be written", str(Path.cwd()), os.access(Path.cwd(), os.W_OK)))
    rows.append(("folder for temporary files", tempfile.gettempdir(), True))
    return rows


def _devices() -> str:
    """Name the devices that trainings can be dealt over beside the CPU."""
    try:
        torch = importlib.import_module("torch")
    except ImportError:
        return "unknown: torch cannot be imported"
    if not torch.cuda.is_available():
        return "none: trainings run on the CPU"
    count = torch.cuda.device_count()
    return ", ".join(f"cuda:{i} {torch.cuda.get_device_name(i)}" for i in range(count))


def _distribution(name: str, least: tuple[int, int]) -> tuple[str, str, bool]:
    try:
        version = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return (name, "not installed: pip install pryproof", False)
    major, minor = version.split(".")[:2]
    return (name, version, (int(major), int(minor)) >= least)
