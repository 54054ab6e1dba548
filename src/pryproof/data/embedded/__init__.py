"""Images that come with the package: the first study needs no download. See ``CARD.md`` here."""

from dataclasses import replace
from pathlib import Path

from pryproof.checks import DataError, nearest
from pryproof.data import parquet
from pryproof.data.reading import Loaded, Options

EMBEDDED = {"fashion-mnist": Path(__file__).with_name("fashion_mnist.parquet")}


def path(name: str) -> Path:
    """Return the file of an embedded set.

    >>> path("fashion-mnist").name
    'fashion_mnist.parquet'
    """
    if name not in EMBEDDED:
        raise DataError(
            "E001", f"there is no embedded set {name!r}", where="data", fix=nearest(name, EMBEDDED)
        )
    return EMBEDDED[name]


def read(file: Path, options: Options) -> Loaded:
    """Read an embedded set as the gray images they are; WebP, the smaller format, stores RGB."""
    loaded = parquet.read(file, replace(options, channels=options.channels or 1))
    # The one notice there could be is of this conversion, which is no news to the user.
    return replace(loaded, notices=())
