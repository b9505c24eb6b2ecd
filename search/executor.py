"""The contract between the search and whatever runs its trials.

The search hands an executor one frozen `Trial` after another and learns how each ended:
exit code or signal, CPU time and memory, never what it found. What a trial found is in its run
directory. Every executor passes the same suite (tests/search/test_executors.py).
"""

import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from gridruns import GridrunsError
from search.cluster.settings import Cluster
from search.interrupts import Stop
from search.script import Entry
from spaces import Flag, Value


class ExecutorError(GridrunsError):
    """Trials can't be run here, or the script can't be asked for its flags."""


@dataclass(frozen=True)
class Trial:
    """One point to run, complete before it starts.

    Attributes:
        number: 0, 1, 2 ... within the study.
        flags: The value of every flag of the script.
        seed: Seeds Python, NumPy and Keras; in [0, 2**32).
        run_dir: The absolute run directory, which exists and holds run.json.
    """

    number: int
    flags: Mapping[str, Value]
    seed: int
    run_dir: Path


@dataclass(frozen=True)
class Ending:
    """How a trial's process ended.

    Attributes:
        number: The trial's number.
        exit_code: The process's exit code, or None where a signal ended it.
        signal: The number of the signal that ended it, or None.
        cpu_seconds: User and system time of the process, where known.
        peak_memory_bytes: The largest resident set of the process, where known.
        reason: What the executor alone knows ("the warm parent died"), or None.
        lost: Whether its machine was lost, which says nothing about the trial: it gets another go.
        out_of_memory: Whether it was killed for want of memory on its machine; None where the search is to
            look at its own.
    """

    number: int
    exit_code: int | None
    signal: int | None = None
    cpu_seconds: float | None = None
    peak_memory_bytes: int | None = None
    reason: str | None = None
    lost: bool = False
    out_of_memory: bool | None = None


@dataclass(frozen=True)
class Declarations:
    """What a script hands to its `flags()` call: the flags, and where it wants flags.yml read from.

    Attributes:
        flags: The flags; of a hypermodel its hyperparameters, parents before what depends on them.
        file: The flags file.
        profile: The profile in it.
        conditions: Of a hypermodel, the flags that don't always apply: where each of these others has one of
            the values.
        entry: The entry of a hypermodel, complete; None for a script.
    """

    flags: tuple[Flag, ...]
    file: str | None = None
    profile: str | None = None
    conditions: Mapping[str, Mapping[str, Sequence[Value]]] = field(default_factory=dict)
    entry: Entry | None = None


@dataclass(frozen=True)
class Resources:
    """What the trials of a search may use together.

    Attributes:
        workers: Trials that run at once, at least 1.
        threads: Threads of each (TensorFlow, OpenMP, BLAS), at least 1; None leaves
            them as the process has them.
        gpus: Names for CUDA_VISIBLE_DEVICES, dealt out to the workers in turn; empty where none.
        cluster: Where they run, of trials that run on a cluster; `workers` is then the most at once.
    """

    workers: int = 1
    threads: int | None = 1
    gpus: Sequence[str] = field(default=())
    cluster: Cluster | None = None

    def gpu(self, slot: int) -> str | None:
        """The GPUs of worker number `slot`, comma-separated, or None where the machine has none."""
        if not self.gpus:
            return None
        if self.workers >= len(self.gpus):
            return self.gpus[slot % len(self.gpus)]
        return ",".join(self.gpus[slot :: self.workers])


@dataclass(frozen=True)
class Report:
    """What a running trial has logged at one step.

    Attributes:
        number: The trial's number.
        step: At least 0; the epochs of `fit()` count 1, 2, ... over all its calls.
        metrics: By name; they may be NaN or infinite.
        last: Whether the training ends there anyway.
    """

    number: int
    step: int
    metrics: Mapping[str, float]
    last: bool


GiveUp = Callable[[Report], bool]
"""Says whether a trial is to stop after a step; of a last step it is told, and its answer doesn't count."""


def signal_name(number: int) -> str:
    """The name of a signal, SIGKILL for 9; real-time signals have only numbers."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"SIG{number}"


class Executor(Protocol):
    """Runs trials, each in surroundings of its own, and says how they ended.

    A trial's own failure is an `Ending`, never an exception. One thread calls all methods.
    """

    @property
    def slots(self) -> int:
        """How many trials may be running at once."""
        ...

    def declarations(self) -> Declarations:
        """Run the script up to its `flags()` call and return what it declares.

        Raises:
            ExecutorError: The script ended or trained a model before it called `flags()`.
        """
        ...

    def submit(self, trial: Trial, give_up: GiveUp | None = None) -> None:
        """Start a trial. The caller keeps at most `slots` of them running.

        Args:
            trial: What to run.
            give_up: Called within `wait` for each step that the trial logs; the trial waits for its answer.
                None asks nothing.
        """
        ...

    def wait(self, timeout: float | None = None, stop: Stop | None = None) -> list[Ending]:
        """Return the trials that have ended since the last call, waiting for one if there is none.

        What trials on other machines record may reach their run directories only during a call.

        Args:
            timeout: Seconds after which an empty list is returned; None waits for as long as it takes.
                With no trial running it returns at once.
            stop: Something said there ends the waiting, too.
        """
        ...

    def kill(self, number: int) -> None:
        """End a trial with all its processes, at once. Its `Ending` still comes through `wait`."""
        ...

    def begun(self, number: int) -> bool:
        """Whether a trial that was submitted has a machine to run on; its time counts from then."""
        ...

    def memory(self) -> Mapping[int, int]:
        """The memory of running trials in bytes, by number, all processes of each together, where known.

        What they share with others (the warm parent) counts in proportion, as the kernel does (PSS, Linux).
        """
        ...

    def close(self) -> None:
        """End what still runs and free everything. Calling it twice does nothing more."""
        ...
