"""How many points of a finite space a sample is."""

import math

from .errors import SpaceError
from .values import is_value, plain, shown

_EXACT = 2**53  # doubles hold every integer up to here


def sample_count(sample: float, size: int) -> int:
    """ceil(sample * size), at least 1 and at most `size`.

    The product is a double's, as in tfruns 1.5.4 (`ceiling(sample * nrow(grid))`), so that the
    count is the same as tfruns'. Above 2**53 points, where doubles skip integers, it is exact.

    Args:
        sample: the share of the points, in (0, 1].
        size: the number of points, at least 1.

    Raises:
        SpaceError: one of them is outside its bounds.
    """
    share = plain(sample)
    if type(share) not in (int, float) or not is_value(share) or not 0 < sample <= 1:
        raise SpaceError(f"sample must be in (0, 1], but got {shown(share)}")
    if size < 1:
        raise SpaceError(f"a space to sample must have at least 1 point, but got {size}")
    if size <= _EXACT:
        return math.ceil(float(sample) * float(size))
    top, bottom = float(sample).as_integer_ratio()
    return -(-top * size // bottom)
