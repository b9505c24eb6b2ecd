"""Keras' `fit()` and `evaluate()`, watched from outside: the script needs no line for it.

`install` puts functions of its own on `keras.Model`, in front of the trainer's that it inherits. They add
one callback and call the trainer's; what they return and raise is the trainer's. It imports no Keras.
"""

import functools
import inspect
import logging
import time
from collections.abc import Callable, Mapping
from typing import Any

from results import layout
from results.array_pipelines import lean
from results.checks import real_numbers
from results.errors import RecordError
from results.files import read_json
from results.import_hook import when_imported
from results.kept import Keeper, asked_to_keep, note_kept
from results.keras_calls import bind, count_fit_samples, default_batch_size, replace_method
from results.recorder import Pruned, Recorder
from results.stepping import Stepper, asked_steps

_log = logging.getLogger(__name__)

EPOCH_SECONDS = "epoch_seconds"
"""The metric that an epoch of `fit()` took so long, its validation included; logged only where run.json has
`timed`, since it differs from run to run."""


def install(recorder: Recorder) -> Callable[[], None]:
    """Record every `fit()` and `evaluate()` of this process, from the moment that Keras is imported.

    Returns:
        A function that takes the hooks off again, and notes what was kept where the run was asked to.
    """
    hooks: list[Callable[[], None]] = []
    record = read_json(recorder.run_dir / layout.RUN) or {}

    def hook(keras: Any) -> None:
        if not hooks:
            hooks.append(lean(keras))
            watch = _Watch(recorder, keras, record.get("timed") is True)
            hooks.append(replace_method(keras.Model, "fit", watch.fit))
            hooks.append(replace_method(keras.Model, "evaluate", watch.evaluate))
            if asked_to_keep(record):
                keeper = Keeper(recorder.run_dir, keras)
                hooks.append(replace_method(keras.Model, "fit", keeper.fit))
                hooks.append(replace_method(keras.Model, "evaluate", keeper.evaluate))
            steps = asked_steps(record)
            if steps is not None:
                stepper = Stepper(steps, recorder, keras)
                hooks.extend(
                    replace_method(keras.Model, name, around) for name, around in stepper.hooks().items()
                )

    withdraw = when_imported("keras", hook)

    def undo() -> None:
        withdraw()
        while hooks:
            hooks.pop()()
        if asked_to_keep(record):
            note_kept(recorder.run_dir)

    return undo


class _Watch:
    """What is known of one process's `fit()` and `evaluate()` calls."""

    def __init__(self, recorder: Recorder, keras: Any, timed: bool) -> None:
        self.recorder = recorder
        self.keras = keras
        self.timed = timed
        self.fits = 0
        self.planned = 0  # epochs, over all calls of fit()
        self.completed = 0
        self.pruned: Pruned | None = None

    def fit(
        self, original: Callable[..., Any], model: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        """Run a `fit()` with our callback behind the user's."""
        given = bind(original, model, args, kwargs)
        if given is None:
            return original(model, *args, **kwargs)
        named = given.arguments
        epochs = max(0, named["epochs"] - named["initial_epoch"]) if _counts(named) else 0
        self.fits += 1
        self.planned += epochs
        # epochs_completed is unknown until fit() ends; a reader counts what was logged if it never does.
        self.recorder.properties(
            **_data_properties(self.keras, named), epochs=self.planned, epochs_completed=None
        )
        callback = _epoch_callback(self, model)
        remove = _append_callback(self.keras, given, callback)
        try:
            history = original(*given.args, **given.kwargs)
        finally:
            remove()
            self.recorder.properties(epochs_completed=self.completed)
        if self.pruned is not None:
            raise self.pruned
        return history

    def evaluate(
        self, original: Callable[..., Any], model: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        """Run an `evaluate()` and record what it finds, unless it is the validation within a `fit()`."""
        given = None if kwargs.get("_use_cached_eval_dataset") else bind(original, model, args, kwargs)
        if given is None:
            return original(model, *args, **kwargs)
        found: dict[str, Any] = {}
        callback = _test_callback(self.keras, found)
        remove = _append_callback(self.keras, given, callback)
        try:
            answer = original(*given.args, **given.kwargs)
        finally:
            remove()
        self.recorder.evaluated(single_numbers(found, "evaluate()"))
        return answer

    def epoch_end(self, model: Any, logs: Mapping[str, Any], seconds: float, last: bool) -> None:
        """Record an epoch of `fit()`; end the training, as callbacks of Keras do, where the search says so.

        Keras then leaves the model as after any early end, best weights restored where that was asked for.
        """
        self.completed += 1
        metrics = single_numbers(logs, "fit()")
        if self.timed:
            metrics[EPOCH_SECONDS] = seconds
        try:
            self.recorder.log(metrics, last=last)
        except Pruned as pruned:
            self.pruned = pruned
            model.stop_training = True


def _counts(named: Mapping[str, Any]) -> bool:
    return isinstance(named["epochs"], int) and isinstance(named["initial_epoch"], int)


def _append_callback(keras: Any, given: inspect.BoundArguments, callback: Any) -> Callable[[], None]:
    """Put `callback` behind the user's in the arguments; return what takes it away again."""
    callbacks = given.arguments["callbacks"]
    if isinstance(callbacks, keras.callbacks.CallbackList):
        # Keras uses the user's list as it is, so ours is a guest in it.
        callback.set_params(callbacks.params)
        callbacks.callbacks.append(callback)
        return functools.partial(callbacks.callbacks.remove, callback)
    given.arguments["callbacks"] = [*(keras.tree.flatten(callbacks) if callbacks else ()), callback]
    return lambda: None


def _epoch_callback(watch: _Watch, model: Any) -> Any:
    """A Keras callback that reports to `watch`; its class is made here, where Keras is imported."""
    callback: Any = watch.keras.callbacks.Callback

    class EpochRecorder(callback):  # type: ignore[misc]
        def on_train_begin(self, logs: Any = None) -> None:
            steps = (self.params or {}).get("steps")
            watch.recorder.properties(steps=steps, **_model_properties(watch.keras, model))
            self.was_built = model.built

        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            self.begun = time.monotonic()

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            if not self.was_built:  # its layers had no shapes when the training began
                watch.recorder.properties(model=_summary(watch.keras, model))
                self.was_built = True
            # Our callback is the last: a callback of the user's may have ended the training already.
            last = model.stop_training or epoch + 1 == (self.params or {}).get("epochs")
            # Where fit() is called again and again, the end of a call isn't that of the training.
            last = bool(last) and watch.fits == 1
            watch.epoch_end(model, logs or {}, time.monotonic() - self.begun, last)

    return EpochRecorder()


def _test_callback(keras: Any, found: dict[str, Any]) -> Any:
    class TestRecorder(keras.callbacks.Callback):  # type: ignore[misc]
        def on_test_end(self, logs: Any = None) -> None:
            found.update(logs or {})

    return TestRecorder()


def single_numbers(logs: Mapping[str, Any], where: str) -> dict[str, float]:
    """What of a log can be recorded; what is no single number is named in a warning and left out."""
    numbers: dict[str, float] = {}
    for name, value in logs.items():
        try:
            numbers.update(real_numbers({name: value}))
        except RecordError as error:
            _log.warning("%s logs what gridruns can't record: %s", where, error)
    return numbers


def _data_properties(keras: Any, named: Mapping[str, Any]) -> dict[str, Any]:
    """The numbers of samples and the batch size of a `fit()`; None where only the data know (a generator)."""
    samples, held_out = count_fit_samples(keras, named)
    batch = named["batch_size"]
    if batch is None and samples is not None:
        batch = default_batch_size(samples, named["steps_per_epoch"])
    return {"samples": samples, "validation_samples": held_out, "batch_size": batch}


def _model_properties(keras: Any, model: Any) -> dict[str, Any]:
    """The summary, loss, optimizer and learning rate of a compiled and built model."""
    optimizer = getattr(model, "optimizer", None)
    optimizer = getattr(optimizer, "inner_optimizer", optimizer)
    rate = getattr(optimizer, "learning_rate", None)
    return {
        "model": _summary(keras, model),
        "loss_function": loss_name(getattr(model, "loss", None)),
        "optimizer": None if optimizer is None else type(optimizer).__name__,
        "learning_rate": None if rate is None else float(keras.ops.convert_to_numpy(rate)),
    }


def _summary(keras: Any, model: Any) -> str:
    lines: list[str] = []
    keras.Model.summary(model, line_length=80, print_fn=lines.append)
    return "\n".join(lines).strip("\n")


def loss_name(loss: Any) -> str | None:
    """The name of a loss as `compile()` takes it: text, function, Loss, or several in a list or dict."""
    if loss is None or isinstance(loss, str):
        return loss
    if isinstance(loss, Mapping):
        return ", ".join(f"{key}: {loss_name(value)}" for key, value in loss.items())
    if isinstance(loss, tuple | list):
        return ", ".join(str(loss_name(value)) for value in loss)
    name = getattr(loss, "name", None) or getattr(loss, "__name__", None)
    return name if isinstance(name, str) else type(loss).__name__
