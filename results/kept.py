"""What a run keeps so that its model can be evaluated later: model.keras and held_out.npz.

The held-out set is what the script itself names: the x and y of its last `model.evaluate(x, y)`.
"""

import logging
import os
import zipfile
import zlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import ref

from results import layout
from results.errors import ResultsError
from results.files import read_json, write_json
from results.keras_calls import bind

if TYPE_CHECKING:
    from numpy.typing import NDArray

_log = logging.getLogger(__name__)

SAVE_MODEL = "save_model"  # in run.json
_BOTH = (layout.MODEL, layout.HELD_OUT)
_Stamp = list[int]  # inode, time of the last change in ns, size
_NUMBERS = "biuf"  # kinds of NumPy types; the others need pickle or are no data for a network


@dataclass(frozen=True)
class HeldOut:
    """The samples that a model is evaluated on.

    Attributes:
        x: Samples, (n, ...).
        y: What is to be predicted, (n,) or (n, ...).
        batch_size: As the script gave it to `evaluate()`, or None where it gave none.
    """

    x: "NDArray[Any]"
    y: "NDArray[Any]"
    batch_size: int | None = None


def asked_to_keep(record: Mapping[str, Any]) -> bool:
    """Whether a run is to keep its model, by its run.json."""
    return record.get(SAVE_MODEL) is True


def keeping(asked: bool) -> dict[str, bool]:
    """What the record of a run says for `asked_to_keep`: nothing where it wasn't asked."""
    return {SAVE_MODEL: True} if asked else {}


def can_be_evaluated(run_dir: Path) -> bool:
    """Whether a run has both files."""
    return all((run_dir / name).is_file() for name in _BOTH)


def note_kept(run_dir: Path) -> None:
    """Note at the end of a run which of both files it has, in kept.files.json.

    What there was no room for is null there, neither true nor false.
    """
    noted = _noted(run_dir)
    try:
        write_json(
            run_dir / layout.KEPT,
            {name: (run_dir / name).is_file() or (None if noted[name] is None else False) for name in _BOTH},
        )
    except OSError as error:
        _log.warning("what was kept can't be noted: %s", error.strerror)


def keeps_in_vain(run_dir: Path) -> bool:
    """Whether a run that was asked to keep both files couldn't, so that it couldn't if it ran again.

    A file that was there at its end and has been deleted since is another matter, and so is one for which
    there was no room.
    """
    noted = read_json(run_dir / layout.KEPT)
    return noted is not None and any(noted.get(name) is False for name in _BOTH)


def _noted(run_dir: Path) -> dict[str, Any]:
    """What kept.files.json says while the run goes on: for each file that was kept its stamp."""
    return {**dict.fromkeys(_BOTH, False), **(read_json(run_dir / layout.KEPT) or {})}


class Keeper:
    """Keeps the model of each `fit()` and `evaluate()`, and the data of the latter; the last one stays.

    At no moment are the data of one model kept beside another: it may have been trained on them. What can't
    be kept is named in a warning, in the run's output, and never ends the run. An earlier one that was kept
    doesn't stand in for it; a file that the script wrote itself is left alone.
    """

    def __init__(self, run_dir: Path, keras: Any) -> None:
        self.run_dir = run_dir
        self.keras = keras
        self._evaluated: Callable[[], Any] = _none  # the model of the last evaluate() since a fit() began

    def fit(
        self, original: Callable[..., Any], model: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        """Run a `fit()`, then keep the model; only the data of an `evaluate()` of it within stay."""
        self._evaluated = _none
        try:
            answer = original(model, *args, **kwargs)
        except BaseException:  # pruned, or out of memory: whatever was kept is of the model as it was before
            for name in _BOTH:
                self._drop(name)
            raise
        if self._evaluated() is not model:
            self._drop(layout.HELD_OUT)
        self._model(model)
        return answer

    def evaluate(
        self, original: Callable[..., Any], model: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        """Run an `evaluate()`, then keep model and data, unless it is the validation within a `fit()`."""
        answer = original(model, *args, **kwargs)
        given = None if kwargs.get("_use_cached_eval_dataset") else bind(original, model, args, kwargs)
        if given is not None:
            self._evaluated = ref(model)
            self._drop(layout.HELD_OUT)
            self._model(model)
            self._data(given.arguments)
        return answer

    def _model(self, model: Any) -> None:
        self._keep(
            layout.MODEL, lambda file: self.keras.Model.save(model, file), "the model can't be saved: %s"
        )

    def _data(self, given: Mapping[str, Any]) -> None:
        self._keep(
            layout.HELD_OUT,
            lambda file: write_held_out(file, _arrays(given)),
            "this evaluate() can't be kept to be repeated: %s",
        )

    def _keep(self, name: str, write: Callable[[Path], object], failing: str) -> None:
        if self._is_the_scripts(name):
            return
        beside = self.run_dir / f".{os.getpid()}.{name}"
        try:
            write(beside)
            self._drop(name)  # once the note is another's, it would be taken for the script's
            self._note(name, _stamp(beside))  # renamed, it keeps it
            os.replace(beside, self.run_dir / name)
        except Exception as error:  # a layer or an `__array__` of the user's may raise anything
            beside.unlink(missing_ok=True)
            self._drop(name)
            with suppress(OSError):
                self._note(name, None if isinstance(error, OSError | MemoryError) else False)
            _log.warning(failing, str(error) or repr(error))

    def _note(self, name: str, what: _Stamp | bool | None) -> None:
        """Note it where the other processes of the run see it, too: a script may train in children."""
        write_json(self.run_dir / layout.KEPT, {**_noted(self.run_dir), name: what})

    def _drop(self, name: str) -> None:
        if not self._is_the_scripts(name):
            (self.run_dir / name).unlink(missing_ok=True)

    def _is_the_scripts(self, name: str) -> bool:
        """Whether the script wrote a file that is there: it isn't, or is no longer, as it was kept."""
        found = _stamp(self.run_dir / name)
        return found is not None and found != _noted(self.run_dir)[name]


def _none() -> None:
    return None


def _stamp(path: Path) -> _Stamp | None:
    """What changes when a file is written again; None where there is none."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return [found.st_ino, found.st_mtime_ns, found.st_size]


def _arrays(given: Mapping[str, Any]) -> HeldOut:
    """The data of an `evaluate()`.

    Raises:
        ResultsError: They aren't one array of samples and one of what is to be predicted.
    """
    for name in ("sample_weight", "steps"):
        if given.get(name) is not None:
            raise ResultsError(f"it was called with {name}")
    return HeldOut(_array("x", given.get("x")), _array("y", given.get("y")), given.get("batch_size"))


def _array(name: str, data: Any) -> "NDArray[Any]":
    import numpy as np

    if not hasattr(data, "__array__"):
        raise ResultsError(f"{name} must be one array, but got {type(data).__name__}")
    array = np.asarray(data)
    if array.dtype.kind not in _NUMBERS or array.ndim == 0:
        raise ResultsError(f"{name} must be an array of numbers, but got the type {array.dtype}")
    return array


def write_held_out(path: Path, data: HeldOut) -> None:
    """Write what `read_held_out` reads.

    Args:
        path: The file; ends with `.npz`.
        data: The samples.

    Raises:
        OSError: It can't be written.
    """
    import numpy as np

    arrays: dict[str, Any] = {"x": data.x, "y": data.y}
    if data.batch_size is not None:
        arrays["batch_size"] = np.asarray(data.batch_size)
    np.savez_compressed(path, **arrays)


def read_held_out(run_dir: Path) -> HeldOut:
    """Read held_out.npz; a script may have written it: `np.savez(run_dir() / "held_out.npz", x=x, y=y)`.

    Raises:
        ResultsError: It isn't there or isn't such a file.
    """
    import numpy as np

    path = run_dir / layout.HELD_OUT
    try:
        # A torn file would stay open if NumPy opened it.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            found = {name: arrays[name] for name in arrays.files}
        size = found.get("batch_size")
        data = HeldOut(found["x"], found["y"], None if size is None else int(size))
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise ResultsError(f"{str(path)!r} isn't a readable held-out set: {error}") from None
    if data.x.ndim == 0 or data.y.ndim == 0 or len(data.x) != len(data.y) or not len(data.x):
        raise ResultsError(
            f"{str(path)!r} must hold as many samples x as y, at least one, but their shapes are "
            f"{data.x.shape} and {data.y.shape}"
        )
    return data
