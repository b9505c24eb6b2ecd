"""The child's side: what a training process records in its run directory while it runs."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from results import layout
from results.checks import check_kind, check_step, real_numbers
from results.clock import timestamp
from results.errors import RecordError
from results.files import encode, write_all, write_json

if TYPE_CHECKING:
    from results.tensorboard import ScalarWriter

Observer = Callable[[int, Mapping[str, float], bool], object]


class Pruned(BaseException):
    """The search has told this run to stop: raised by `log_metrics`, and by a `fit()` once it has stopped.

    Not an Exception, so that a script that bears its own errors doesn't go on in spite of it.
    """


class Recorder:
    """Writes one run's metrics, properties, evaluation and metadata.

    Making one opens and writes nothing. One process writes a run; the files are metrics.jsonl (a line each
    time, flushed), properties.json and evaluation.json (replaced at each change), and TensorBoard's scalars.

    Attributes:
        run_dir: The run's directory; it exists.
        observers: Called with (step, metrics, last) after each `log`, in order; what they raise goes to who
            logged.
        highest: The highest step that has been logged; 0 before the first.
    """

    def __init__(self, run_dir: str | Path) -> None:
        self.run_dir = Path(run_dir)
        self.observers: list[Observer] = []
        self.highest = 0
        self._epoch = 0
        self._file: FileIO | None = None
        self._scalars: ScalarWriter | None = None
        self._properties: dict[str, Any] = {}
        self._calls: list[dict[str, Any]] = []

    def log(self, metrics: Mapping[str, Any], *, step: int | None = None, last: bool = False) -> None:
        """Append metrics to metrics.jsonl, with all their digits, and to TensorBoard's scalars.

        Args:
            metrics: Numbers by name; a name that begins with `val_` is the validation twin of the rest of it.
            step: At least 0. None counts 1, 2, ... over all such calls, whatever other steps are logged.
            last: Whether the training ends with this step anyway, so that nothing is left to be saved.

        Raises:
            RecordError: A value is no real number, or the step isn't a whole number of at least 0.
        """
        checked = real_numbers(metrics)
        if step is None:
            self._epoch += 1
        step = self._epoch if step is None else check_step(step)
        self.highest = max(self.highest, step)
        line = encode({"step": step, "time": timestamp(), "metrics": checked}) + "\n"
        write_all(self._metrics_file().fileno(), line.encode())
        self._scalar_writer().write(step, checked)
        for observer in list(self.observers):
            observer(step, checked, last)

    def evaluated(self, metrics: Mapping[str, Any]) -> None:
        """Record what an evaluation found; of each metric the last value counts, and every call is kept.

        Raises:
            RecordError: A value is no real number.
        """
        self._calls.append({"time": timestamp(), "metrics": real_numbers(metrics)})
        last = {name: value for call in self._calls for name, value in call["metrics"].items()}
        write_json(self.run_dir / layout.EVALUATION, {"metrics": last, "calls": self._calls})

    def properties(self, **changes: Any) -> None:
        """Merge `changes` into properties.json.

        Raises:
            RecordError: A value has no form in JSON.
        """
        merged = {**self._properties, **changes}
        self._write(layout.PROPERTIES, merged)
        self._properties = merged

    def metadata(self, kind: str, data: Mapping[str, Any]) -> None:
        """Record data of the script's own.

        Args:
            kind: "evaluation", "properties", or letters, digits, "-" and "_" for a file `<kind>.json`.
            data: What JSON can hold.

        Raises:
            RecordError: The name is one that gridruns uses or no name, or the data have no form in JSON.
        """
        name = check_kind(kind)
        if name == layout.EVALUATION:
            self.evaluated(data)
        elif name == layout.PROPERTIES:
            self.properties(**data)
        else:
            self._write(name, dict(data))

    def error(self, kind: str, message: str, traceback: str) -> None:
        """Record the exception that ended the script: its type, its message and its traceback."""
        write_json(
            self.run_dir / layout.ERROR,
            {"type": kind, "message": message, "traceback": traceback},
            durable=True,
        )

    def close(self) -> None:
        """Close the files. May be called again."""
        if self._file is not None:
            self._file.close()
        if self._scalars is not None:
            self._scalars.close()

    def _write(self, name: str, data: Mapping[str, Any]) -> None:
        try:
            write_json(self.run_dir / name, data)
        except TypeError as error:
            raise RecordError(f"{name} takes what JSON can hold, but: {error}") from None

    def _metrics_file(self) -> FileIO:
        if self._file is None:
            self._file = FileIO(self.run_dir / layout.METRICS, "ab")
        return self._file

    def _scalar_writer(self) -> "ScalarWriter":
        if self._scalars is None:
            # Loads protobuf and NumPy, which a script that only declares flags can do without.
            from results.tensorboard import ScalarWriter

            self._scalars = ScalarWriter(self.run_dir)
        return self._scalars


# The one recorder of this process: a script that calls `log_metrics` doesn't hand one over.
_current: Recorder | None = None


@contextmanager
def recording(recorder: Recorder) -> Iterator[Recorder]:
    """Make `recorder` the one that this process's `log_metrics` and its kin record with."""
    global _current
    before, _current = _current, recorder
    try:
        yield recorder
    finally:
        _current = before


def log_metrics(step: int, metrics: Mapping[str, Any] | None = None, /, **named: Any) -> None:
    """Log metrics of a training that isn't Keras' `fit()`, which logs by itself.

    In a process that gridruns didn't start this checks its arguments and does nothing.

    Args:
        step: The epoch or step, a whole number of at least 0.
        metrics: Real numbers by name; NumPy scalars and tensors of one number are taken too.
        **named: More of them.

    Raises:
        RecordError: A value is no real number, a name is given twice, or the step is no step.
        Pruned: The search's pruner gives this trial up; let it through.

    Examples:
        log_metrics(3, loss=0.21, val_loss=0.25)
    """
    given = dict(metrics or {})
    twice = sorted(given.keys() & named.keys())
    if twice:
        raise RecordError(f"a metric must be given once, but {twice[0]!r} is given twice")
    checked = real_numbers({**given, **named})
    step = check_step(step)
    if _current is not None:
        _current.log(checked, step=step)


def run_dir() -> Path:
    """The directory of the run that this process is, or the working directory outside a run."""
    return Path.cwd() if _current is None else _current.run_dir


def is_run_active() -> bool:
    """Whether gridruns started this process as a run."""
    return _current is not None


def write_run_metadata(type: str, data: Mapping[str, Any]) -> None:
    """Record data of the script's own with the run; outside a run, only check the type.

    Args:
        type: "evaluation" (numbers, columns `eval_*`), "properties" (added to the run's), or a name of your
            own, in letters, digits, "-" and "_", for a file `<type>.json` in the run's directory.
        data: What JSON can hold.

    Raises:
        RecordError: The type is a name that gridruns uses or no name, or the data have no form in JSON.
    """
    check_kind(type)
    if _current is not None:
        _current.metadata(type, data)
