"""What a schedule deals out: points, the trials that run them, and the numbers of these."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from search.past import Past
from spaces import Value

if TYPE_CHECKING:
    import optuna


@dataclass(eq=False)
class Proposal:
    """A point that is being run, once or several times.

    Attributes:
        values: The value of every flag.
        inactive: The flags of the space that don't apply there.
        asked: The Optuna trial to be told about it.
        left: How many of its runs haven't ended.
        told: The values of those that have ended well.
        reported: The steps that the pruner knows of.
    """

    values: Mapping[str, Value]
    inactive: tuple[str, ...]
    asked: "optuna.Trial"
    left: int
    told: list[tuple[float, ...]] = field(default_factory=list)
    reported: set[int] = field(default_factory=set)


@dataclass(frozen=True)
class Assignment:
    """A trial to run.

    Attributes:
        number: The trial's number.
        proposal: Its point.
        repeat: Which of the point's runs it is, from 0.
        attempt: 1 for the first time.
        alone: Whether nothing may run beside it.
        losses: How often the machine that it ran on was lost.
    """

    number: int
    proposal: Proposal
    repeat: int = 0
    attempt: int = 1
    alone: bool = False
    losses: int = 0

    @property
    def values(self) -> Mapping[str, Value]:
        """The value of every flag."""
        return self.proposal.values


class Numbers:
    """Deals out the numbers of trials: a run keeps the number it has, and no two runs share one."""

    def __init__(self, past: Past, first: int = 0) -> None:
        """Begin with the numbers of the past.

        Args:
            past: What has been done.
            first: The least number for a run without a place of its own.
        """
        self._given = dict(past.numbers)
        self._taken = set(past.numbers.values())
        self._next = max(first, past.next_number)

    def take(self, key: str, number: int) -> None:
        """Learn the number that a run has been given elsewhere.

        Args:
            key: Its content.
            number: Its number.
        """
        self._given.setdefault(key, number)
        self._taken.add(number)
        self._next = max(self._next, number + 1)

    def of(self, key: str, place: int | None = None) -> int:
        """The number of a run: the one it has, its place in the plan if that is free, or the next.

        Args:
            key: Its content.
            place: Its place in the plan, where the plan is fixed.
        """
        if key in self._given:
            return self._given[key]
        if place is not None and place not in self._taken:
            return place
        self._next += 1
        return self._next - 1
