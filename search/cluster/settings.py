"""What a search asks of a cluster: which one, and what of it a trial may use."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from gridruns import GridrunsError

PLACE = re.compile(r"(?:ray://)?(?:\[[0-9A-Fa-f:.]+\]|[^\s:/\[\]]+):(\d{1,5})")


@dataclass(frozen=True)
class Cluster:
    """A Ray cluster and the share of it that a trial gets.

    Attributes:
        address: "auto" for the cluster that this machine is a node of, "HOST:PORT" of its head, "ray://HOST:PORT"
            of its client server; None starts Ray on this machine.
        cpus: CPUs of a trial, more than 0; a part of one, too.
        gpus: GPUs of a trial; a part of one, or a whole number.
        demand: Whether as many trials at once are asked of Ray as the user said, so that a cluster
            that can grows; else as many as it carries.
    """

    address: str | None = None
    cpus: float = 1
    gpus: float = 0
    demand: bool = False

    def __post_init__(self) -> None:
        for name, value, least in (("cpus_per_trial", self.cpus, 1e-4), ("gpus_per_trial", self.gpus, 0)):
            if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value < 1e6:
                law = "at least 0" if least == 0 else "more than 0"
                raise GridrunsError(f"{name} must be a number of {law}, but got {value!r}")
        if self.gpus > 1 and self.gpus != int(self.gpus):
            raise GridrunsError(
                f"gpus_per_trial must be at most 1 or a whole number, but got {self.gpus:g}: a trial can "
                "share one GPU with others, but not parts of several"
            )
        if self.address not in (None, "auto"):
            place = PLACE.fullmatch(self.address or "")
            if place is None or not 0 < int(place[1]) < 1 << 16:
                raise GridrunsError(
                    f"address must be auto, HOST:PORT or ray://HOST:PORT, but got {self.address!r}"
                )

    @property
    def share(self) -> dict[str, float]:
        """What of a node a trial takes, as Ray names it."""
        return {"CPU": self.cpus, **({"GPU": self.gpus} if self.gpus else {})}

    def carried(self, there: Mapping[str, float]) -> int:
        """How many trials a node carries at once.

        Args:
            there: What it has, as Ray names it.
        """
        count = int(there.get("CPU", 0) / self.cpus + 1e-9)
        if not self.gpus:
            return count
        if self.gpus > 1:
            return min(count, int(there.get("GPU", 0) / self.gpus + 1e-9))
        return min(count, int(there.get("GPU", 0)) * int(1 / self.gpus + 1e-9))
