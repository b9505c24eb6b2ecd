"""What is near a point: the points to run instead of one that may not be run.

In a finite space the distance is the number of moves: to the next value of an ordered parameter,
or to any other value of one without an order. In a space with ranges it is drawn from ever wider boxes.
"""

import math
from collections.abc import Iterator, Mapping
from itertools import islice
from random import Random

from search.proposing import Choices
from search.scales import Scale
from spaces import Value
from spaces.domains import Domain, Float, Int

MOVES = 4096
"""How many neighbours are looked at; then nothing near is free."""
DRAWS = 10_000
"""How many points are drawn in a space with ranges before it counts as empty."""
FIRST_BOX = 0.05
"""The half width of the first box, as a part of each parameter's range."""
A_BOX = 64
"""How many points are drawn in a box before the next, twice as wide."""


def neighbours(
    domains: Mapping[str, Domain], start: Mapping[str, Value], random: Random
) -> Iterator[Choices]:
    """The choices around `start` in a finite space, nearest first, equally near ones in random order.

    Args:
        domains: The parameters, each finite.
        start: A value for each.
        random: Decides among the equally near.
    """
    scales = {name: Scale.of(domain) for name, domain in domains.items()}
    begun = tuple(scale.place(start[name]) for name, scale in scales.items())
    for places in islice(_by_distance(begun, list(scales.values()), random), MOVES):
        yield {name: scale.value(place) for (name, scale), place in zip(scales.items(), places, strict=True)}


def boxes(
    domains: Mapping[str, Domain], start: Mapping[str, Value] | None, random: Random
) -> Iterator[Choices]:
    """`DRAWS` random choices, the first ones near `start`; without a start each is uniform.

    Args:
        domains: The parameters; uniform on a logarithmic scale where a domain has one.
        start: A value for each, or None.
        random: What draws.
    """
    for draw in range(DRAWS):
        width = 1.0 if start is None else min(1.0, FIRST_BOX * 2.0 ** (draw // A_BOX))
        yield {
            name: _drawn(domain, None if start is None else start[name], width, random)
            for name, domain in domains.items()
        }


def _by_distance(begun: tuple[int, ...], scales: list[Scale], random: Random) -> Iterator[tuple[int, ...]]:
    seen, layer = {begun}, [begun]
    while layer:
        found = []
        for places in layer:
            for moved in _moves(places, scales):
                if moved not in seen:
                    seen.add(moved)
                    found.append(moved)
            if len(seen) > 2 * MOVES:
                break
        random.shuffle(found)
        yield from found
        layer = found


def _moves(places: tuple[int, ...], scales: list[Scale]) -> Iterator[tuple[int, ...]]:
    for axis, scale in enumerate(scales):
        here = places[axis]
        there = (here - 1, here + 1) if scale.ordered else range(scale.size)
        for place in there:
            if place != here and 0 <= place < scale.size:
                yield (*places[:axis], place, *places[axis + 1 :])


def _drawn(domain: Domain, start: Value, width: float, random: Random) -> Value:
    """A value at most `width` of the range away from `start`; of things without an order, mostly `start`."""
    if domain.size == 1:
        return domain.value(0)
    if isinstance(domain, Float | Int) and (domain.log or domain.size is None):
        return _on_a_line(domain, start, width, random)
    scale = Scale.of(domain)
    if width >= 1:
        return scale.value(random.randrange(scale.size))
    here = scale.place(start)
    if not scale.ordered:
        return scale.value(random.randrange(scale.size)) if random.random() < width else start
    reach = max(1, int(width * scale.size))
    return scale.value(random.randint(max(0, here - reach), min(scale.size - 1, here + reach)))


def _on_a_line(domain: Float | Int, start: Value, width: float, random: Random) -> Value:
    low, high = (math.log(domain.low), math.log(domain.high)) if domain.log else (domain.low, domain.high)
    if width < 1:
        assert isinstance(start, int | float)
        here, reach = math.log(start) if domain.log else start, width * (high - low)
        low, high = max(low, here - reach), min(high, here + reach)
    drawn = random.uniform(low, high)
    value = math.exp(drawn) if domain.log else drawn
    value = round(value) if isinstance(domain, Int) else value
    # The powers may pass an end of the range by one rounding.
    return min(max(value, domain.low), domain.high)
