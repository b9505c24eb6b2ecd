"""An attempt at a trial, and the slot that it runs on, as the search knows them."""

from dataclasses import dataclass, field
from typing import Any

from search.cluster.frames import Frames
from search.cluster.incoming import Incoming
from search.executor import GiveUp, Trial


@dataclass(eq=False)
class Attempt:
    """A trial that was submitted.

    Attributes:
        trial: What to run; None where only the script's flags are asked for.
        give_up: Judges its steps.
        id: Tells it from other attempts; the greater the later.
        incoming: Takes what its node sends.
        worker: Where it runs, once it does.
        heard: Whether its node has said anything of it.
        moved: Whether it was given to another slot, because the first was dead already.
        memory: What its processes use together, in bytes, where its node has said so.
    """

    trial: Trial | None
    give_up: GiveUp | None
    id: int
    incoming: Incoming | None
    worker: "Worker | None" = None
    heard: bool = False
    moved: bool = False
    memory: int | None = None


@dataclass(eq=False)
class Worker:
    """A slot as the search knows it.

    Attributes:
        actor: Ray's handle.
        facts: What the slot says of itself, once it is there.
        attempt: What runs there.
        frames: What has come of its host's stream.
        start: Where in that stream the next answer begins.
        orders: Passed on with the next exchange.
    """

    actor: Any
    facts: dict[str, Any] | None = None
    attempt: Attempt | None = None
    frames: Frames = field(default_factory=Frames)
    start: int = 0
    orders: bytes = b""

    @property
    def host(self) -> str:
        """The name of its machine."""
        return "a node" if self.facts is None else str(self.facts["host"])
