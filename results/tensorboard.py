"""TensorBoard's event files, written without TensorFlow.

One file a writer: the child writes scalars into train/ and validation/ below its run's directory, the parent
writes the HParams session (its start, later its end) into the run's directory itself. No experiment
configuration is written: TensorBoard takes one for everything it shows, and would hide the flags and metrics
of all other studies; without one it collects them from the sessions, also while a search runs.
"""

import os
import time
from collections.abc import Mapping
from io import FileIO
from pathlib import Path
from typing import Any

from tensorboard.compat.proto import event_pb2, summary_pb2
from tensorboard.plugins.hparams import metadata, plugin_data_pb2, summary_v2
from tensorboard.plugins.scalar import metadata as scalar_metadata
from tensorboard.summary.writer.record_writer import RecordWriter

from results import layout
from results.status import Status

# The enum of tensorboard/plugins/hparams/api.proto: its module need not be loaded for two numbers.
_SUCCESS, _FAILURE = 1, 2
_VALIDATION_PREFIX = "val_"


class EventFile:
    """An event file that is written with one system call a time, so that a reader finds whole events.

    Args:
        path: The file; it is begun where it is missing, its directory too, and continued where it isn't.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(exist_ok=True)
        new = not path.exists()
        self._records = RecordWriter(FileIO(path, "ab"))
        if new:
            self._records.write(
                event_pb2.Event(wall_time=time.time(), file_version="brain.Event:2").SerializeToString()
            )

    def add(self, summary: Any, step: int = 0) -> None:
        """Append a `Summary` message at a step of at least 0."""
        event = event_pb2.Event(wall_time=time.time(), step=step, summary=summary)
        self._records.write(event.SerializeToString())

    def close(self) -> None:
        """Close the file."""
        self._records.close()


class ScalarWriter:
    """Writes metrics where TensorBoard lays the curves of training and validation over each other.

    `loss` and `val_loss` both become `epoch_loss`, the first in train/, the second in validation/, as
    Keras' own TensorBoard callback has it.

    Args:
        run_dir: The run's directory.
    """

    def __init__(self, run_dir: str | os.PathLike[str]) -> None:
        self._run_dir = Path(run_dir)
        self._files: dict[str, EventFile] = {}

    def write(self, step: int, metrics: Mapping[str, float]) -> None:
        """Append the metrics of a step; it is in the file on return."""
        sides: dict[str, list[Any]] = {}
        for name, value in metrics.items():
            side, tag = scalar_place(name)
            sides.setdefault(side, []).append(
                summary_pb2.Summary.Value(tag=tag, simple_value=value, metadata=_SCALAR)
            )
        for side, values in sides.items():
            if side not in self._files:
                self._files[side] = EventFile(self._run_dir / side / layout.SCALAR_EVENTS)
            self._files[side].add(summary_pb2.Summary(value=values), step)

    def close(self) -> None:
        """Close the files."""
        for file in self._files.values():
            file.close()


_SCALAR = scalar_metadata.create_summary_metadata(display_name="", description="")


def scalar_place(metric: str) -> tuple[str, str]:
    """The subdirectory and the tag under which TensorBoard shows a metric."""
    if metric.startswith(_VALIDATION_PREFIX) and metric != _VALIDATION_PREFIX:
        return layout.VALIDATION, f"epoch_{metric.removeprefix(_VALIDATION_PREFIX)}"
    return layout.TRAIN, f"epoch_{metric}"


def write_session_start(run_dir: str | os.PathLike[str], flags: Mapping[str, Any], group_name: str) -> None:
    """Make a run appear in the HParams tab.

    A flag that is None has an empty cell there: TensorBoard knows no None, and a text in its place would
    turn a column of numbers into one of texts.

    Args:
        run_dir: The run's directory.
        flags: bool, int, float, str or None by name.
        group_name: The name of the row; runs that share one share a row, with the mean of their metrics.
    """
    known = {name: value for name, value in flags.items() if value is not None}
    _append(run_dir, summary_v2.hparams_pb(known, trial_id=group_name))


def write_session_end(run_dir: str | os.PathLike[str], status: Status) -> None:
    """Give a run in the HParams tab its end: success for `completed` and `pruned`, else failure."""
    if not status.ended:
        raise ValueError(f"a session must end with another status than {status.value!r}")
    end = plugin_data_pb2.SessionEndInfo(
        status=_SUCCESS if status.ranked else _FAILURE,
        end_time_secs=time.time(),
    )
    data = metadata.create_summary_metadata(plugin_data_pb2.HParamsPluginData(session_end_info=end))
    value = summary_pb2.Summary.Value(
        tag=metadata.SESSION_END_INFO_TAG, metadata=data, tensor=metadata.NULL_TENSOR
    )
    _append(run_dir, summary_pb2.Summary(value=[value]))


def _append(run_dir: str | os.PathLike[str], summary: Any) -> None:
    file = EventFile(Path(run_dir) / layout.SESSION_EVENTS)
    try:
        file.add(summary)
    finally:
        file.close()
