"""The values of a finite domain by their place, numbers in order.

Samplers that think in numbers see a value's place instead of the value, and the neighbours of a point are
found by it. A choice of numbers is a scale, in rising order whatever the order of the list; a choice
of anything else has places too, but none is nearer to another.
"""

from dataclasses import dataclass

from spaces import Value
from spaces.domains import Choice, Domain, Float
from spaces.values import token


@dataclass(frozen=True)
class Scale:
    """The places 0..size-1 of a finite domain's values.

    Attributes:
        domain: A domain that has a size.
        ranks: For a choice, the index of the value at each place.
        ordered: Whether neighbouring places hold values that are near each other.
    """

    domain: Domain
    ranks: tuple[int, ...] | None
    ordered: bool

    @classmethod
    def of(cls, domain: Domain) -> "Scale":
        """The scale of a finite domain; two values are always in order."""
        if not isinstance(domain, Choice):
            return cls(domain, None, True)
        values = domain.values
        if all(type(value) in (int, float) for value in values):
            ranks = tuple(sorted(range(len(values)), key=lambda index: (values[index], index)))
            return cls(domain, ranks, True)
        return cls(domain, tuple(range(len(values))), len(values) <= 2)

    @property
    def size(self) -> int:
        """How many places there are."""
        size = self.domain.size
        assert size is not None
        return size

    def value(self, place: int) -> Value:
        """The value at `place`, 0 <= place < size."""
        return self.domain.value(place if self.ranks is None else self.ranks[place])

    def place(self, value: Value) -> int:
        """Where a value of the domain is."""
        domain = self.domain
        if self.ranks is not None:
            return next(place for place in range(self.size) if token(self.value(place)) == token(value))
        assert not isinstance(domain, Choice)
        assert isinstance(value, int | float)
        if isinstance(domain, Float):
            return 0 if domain.step is None else round((value - domain.low) / domain.step)
        return round(value - domain.low) // domain.step
