"""Whether every value of a range lies in another domain, without listing the values."""

from .domains import Choice, Domain, Float, Int


def covers(outer: Domain, inner: Int | Float) -> bool:
    """Whether `outer` holds every value of `inner`, in time that doesn't grow with `inner`."""
    if isinstance(outer, Choice):
        size = inner.size
        if size is None or size > outer.size:
            return False
        return all(outer.contains(inner.value(i)) for i in range(size))
    if not (outer.contains(inner.low) and outer.contains(inner.high)):
        return False
    return inner.low == inner.high or _steps_fit(outer, inner)


def _steps_fit(outer: Int | Float, inner: Int | Float) -> bool:
    """Whether the steps of `inner`, whose ends `outer` holds, are whole steps of `outer`."""
    if outer.step is None:
        return True
    if inner.step is None:
        return False
    from .steps import decimal

    return (decimal(inner.step) / decimal(outer.step)).denominator == 1
