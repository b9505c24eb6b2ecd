"""What a trial in the database says of its point: which one it is, who runs it, and since when.

A trial of the Optuna study there stands for a point. Its system attributes say which, who runs it and that
it is alive; its user attributes are for whoever looks at it in optuna-dashboard.
"""

import os
import socket
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from optuna.trial import FrozenTrial

from results.clock import timestamp
from results.owner import gone

MARK = "gridruns"
RELEASED = "gridruns:released"
"""That another search has given a trial up. Its status may be overwritten by an end that comes just then."""
STATUS = "status"
RUN = "run"
TOLD = "told"
"""How each of a point's runs has ended, where it has several."""


@dataclass(frozen=True)
class Owner:
    """Who runs a trial.

    Attributes:
        token: Another for each search.
        host: Its machine.
        pid: Its process.
        space: The space of process numbers that the number is from: machines and containers may share a
            host's name.
    """

    token: str = field(default_factory=lambda: uuid4().hex)
    host: str = field(default_factory=socket.gethostname)
    pid: int = field(default_factory=os.getpid)
    space: str = field(default_factory=lambda: _process_space())


@dataclass(frozen=True)
class Mark:
    """What a trial in the database says of its point.

    Attributes:
        key: The content of its flags (`search.past.content`).
        owner: Who runs it, or ran it.
        numbers: The number of each of its runs, by repeat.
        begun: When it was claimed, in UTC. Optuna's own times are those of a clock on the owner's wall.
    """

    key: str
    owner: Owner
    numbers: Mapping[str, int]
    begun: datetime = field(default_factory=lambda: datetime.now(UTC))

    @classmethod
    def of(cls, trial: FrozenTrial) -> "Mark | None":
        """The mark of a trial; None of one that isn't gridruns'."""
        match trial.system_attrs.get(MARK):
            case {"key": str(key), "owner": dict(owner), "numbers": dict(numbers), "begun": str(begun)}:
                return cls(key, Owner(**owner), numbers, datetime.fromisoformat(begun))
        return None

    def attributes(self) -> dict[str, object]:
        """The system attributes of a trial that has it."""
        mine = {"key": self.key, "owner": asdict(self.owner), "numbers": dict(self.numbers)}
        return {MARK: {**mine, "begun": timestamp(self.begun)}}

    def lives(self, here: Owner) -> bool | None:
        """Whether the process that runs the trial lives; None of one that can't be seen from here."""
        if not here.space or (self.owner.host, self.owner.space) != (here.host, here.space):
            return None
        return gone({"host": self.owner.host, "pid": self.owner.pid}, self.begun) is None


def _process_space() -> str:
    """Linux names its boot and the namespace; the namespace alone has one name on all machines.

    Nothing where the system names neither: two such machines of one name can't be told apart.
    """
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return ""
