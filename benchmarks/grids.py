"""What the first points of a grid cost, whatever its size."""

import time

from harness import Benchmark, Options

from spaces import Space

POINTS = 1_000
EXPONENTS = range(3, 13)


def figures(options: Options) -> dict[str, float]:
    """Milliseconds for the first points of a random order over grids of ten values a flag."""
    found = {}
    for exponent in EXPONENTS:
        began = time.perf_counter()
        space = Space({f"flag{i}": list(range(10)) for i in range(exponent)})
        order = space.order(seed=1)
        points = [space.point(order[i]) for i in range(POINTS)]
        found[f"10^{exponent}"] = 1000 * (time.perf_counter() - began)
        assert len(points) == POINTS
    return found


BENCHMARKS = [
    Benchmark("first 1,000 points of a grid", "ms", figures, digits=1, aim="flat, under 50 ms"),
]
