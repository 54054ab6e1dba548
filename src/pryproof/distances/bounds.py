"""Vectors of few coordinates whose distances never exceed the true ones, and how few to take.

A vector is kept as its coordinates in an orthonormal basis and, as one coordinate more, the length
of what the basis leaves out. By the triangle inequality the distance of two such short vectors
is at most the true distance; with the whole basis it is the true distance.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Float64, UInt8

Rows = UInt8[np.ndarray, "_ width"] | Float[np.ndarray, "_ width"]
Vectors = Float[torch.Tensor, "rows coordinates"]
Squares = Float[torch.Tensor, " rows"]

ROWS = 256  # converted at a time
SAMPLE = 2_000  # rows that a basis is found from
TURNS = 2  # of the orthogonal iteration
WIDTHS = (64, 128, 256, 512)  # coordinates that are tried, and then all of them
FLOAT32, FLOAT64 = 2.0**-24, 2.0**-53  # unit roundoffs


@dataclass(frozen=True, kw_only=True)
class Space:
    """How rows become short vectors: minus ``centre``, times ``scale``, times ``basis``.

    ``scale`` is a power of two, so that it rounds nothing; ``basis`` None = all coordinates.
    ``unit`` is the unit roundoff of the products taken of the short vectors.
    """

    centre: Float64[np.ndarray, " width"]
    scale: float
    basis: Float[torch.Tensor, "width kept"] | None
    unit: float

    @property
    def dtype(self) -> torch.dtype:
        """Return the type in which products are taken."""
        return torch.float32 if self.unit == FLOAT32 else torch.float64


def centred(among: Rows, queries: Rows) -> Space:
    """Return the space of all coordinates about the mean of ``among``, in float32.

    Centred lengths are small, and so are the rounding errors of products. A centre of whole
    numbers keeps images whole. No value is larger than 1 after scaling, so nothing overflows.
    """
    centre = among.mean(axis=0, dtype=np.float64)
    if among.dtype == np.uint8:
        return Space(centre=np.rint(centre), scale=2.0**-8, basis=None, unit=_product_unit())
    largest = max(_largest(among, centre), _largest(queries, centre))
    scale = 2.0 ** -np.ceil(np.log2(largest)) if largest > 0 else 1.0
    return Space(centre=centre, scale=float(scale), basis=None, unit=_product_unit())


def principal(space: Space, among: Rows, *, kept: int) -> Float[torch.Tensor, "width kept"]:
    """Return an orthonormal basis that holds about as much of the variance as any, widest first.

    Orthogonal iteration on some of the rows. Bounds hold in every basis; in this they are tight.
    """
    rows = among[:: -(-len(among) // SAMPLE)]
    sample = _plain(space, rows).to(torch.float32)
    basis = sample[:: max(1, len(sample) // kept)][:kept].T
    for _ in range(TURNS):
        basis, _ = torch.linalg.qr(sample.T @ (sample @ basis))
    return torch.linalg.qr(basis.double())[0]


def as_queries(space: Space, rows: Rows) -> tuple[Vectors, Squares]:
    """Return rows as short vectors with a last coordinate of 1, and their squared lengths."""
    parts = [_as_queries(space, rows[start : start + ROWS]) for start in range(0, len(rows), ROWS)]
    vectors, squares = zip(*parts, strict=True)
    return torch.cat(vectors), torch.cat(squares)


def as_columns(space: Space, rows: Rows) -> tuple[Vectors, Squares]:
    """Return rows likewise, the last coordinate minus half the squared length.

    The product with a query is then a score, the higher the nearer: half of the query's squared
    length minus half of the squared distance.
    """
    vectors, squares = as_queries(space, rows)
    vectors[:, -1] = -squares / 2
    return vectors, squares


def slack(space: Space, squares: Squares, longest: float) -> Squares:
    """Return by how much the scores of each query may be off.

    Products of n terms summed in any order err by n unit roundoffs of the sum of magnitudes, at
    most |a||b| (Higham 2002, section 3.1). ``longest`` is the largest length of the columns.
    """
    width = len(space.centre) if space.basis is None else space.basis.shape[1]
    terms = width + 10  # with two coordinates more, the rounding of all, and of the comparison
    share = terms * space.unit / (1 - terms * space.unit)
    return share * (squares.sqrt() * longest + longest**2 + squares) + terms * 2.0**-120


def _as_queries(space: Space, rows: Rows) -> tuple[Vectors, Squares]:
    """Do everything but the last rounding in float64."""
    plain = _plain(space, rows)
    squares = plain.square().sum(1)
    parts = [plain]
    if space.basis is not None:
        held = plain @ space.basis
        left = (squares - held.square().sum(1)).clamp(min=0).sqrt()
        parts = [held, left[:, None]]
    parts.append(torch.ones(len(rows), 1, dtype=torch.float64))
    return torch.cat([part.to(space.dtype) for part in parts], dim=1), squares


def _plain(space: Space, rows: Rows) -> Float[torch.Tensor, "rows width"]:
    return torch.from_numpy((rows - space.centre) * space.scale)


def _largest(rows: Rows, centre: Float64[np.ndarray, " width"]) -> float:
    parts = (rows[start : start + ROWS] for start in range(0, len(rows), ROWS))
    return max(float(np.abs(part - centre).max(initial=0.0)) for part in parts)


def _product_unit() -> float:
    """Return float32's unit roundoff, unless torch may take float32 products in bfloat16."""
    return FLOAT32 if torch.get_float32_matmul_precision() == "highest" else FLOAT64
