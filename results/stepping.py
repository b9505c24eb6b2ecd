"""Several training steps in one call of TensorFlow, for a script that leaves Keras at one.

Keras calls TensorFlow from Python once a step; `compile(steps_per_execution=N)` makes it once in N steps,
with the same losses. Here it is set from outside, at a model's first `fit()` or `evaluate()`. What would
change a number of the script's is refused; `predict()` is left at one step.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from weakref import WeakSet

from results.errors import ResultsError
from results.keras_calls import bind, count_fit_samples, count_samples, default_batch_size
from results.recorder import Recorder

STEPS_PER_EXECUTION = "steps_per_execution"  # in run.json as asked for, in properties.json as it was

_TRAIN = ("on_train_batch_begin", "on_train_batch_end", "on_batch_begin", "on_batch_end")
_TEST = ("on_test_batch_begin", "on_test_batch_end")
# What Keras' own call at batches, so that a subclass may hook in there.
_INNER = ("_should_save_on_batch", "_update_progbar")
_EPOCH = "epoch"
_BACKEND = "tensorflow"  # the only one where numbers were compared; PyTorch's has no such steps
_CAP = "max_steps_per_epoch"
_OF_EPOCHS = ("Callback", "History", "ProgbarLogger")  # the last only draws
# Keras' own callbacks that look at batches only where this argument asks for it.
_WHEN = {
    "ModelCheckpoint": "save_freq",
    "OrbaxCheckpoint": "save_freq",
    "BackupAndRestore": "save_freq",
    "TensorBoard": "update_freq",
}


def stepping(steps: int | None) -> dict[str, int]:
    """What the record of a run says for `asked_steps`: nothing where nothing was asked."""
    return {} if steps is None else {STEPS_PER_EXECUTION: steps}


def asked_steps(record: Mapping[str, Any]) -> int | None:
    """The steps that a run is to make in a call, by its run.json; None to leave it to the script."""
    asked = record.get(STEPS_PER_EXECUTION)
    return asked if isinstance(asked, int) and not isinstance(asked, bool) else None


@dataclass(frozen=True)
class _Batches:
    """What `fit()` or `evaluate()` is given of batches, to train, validate or evaluate on.

    Attributes:
        data: Arrays, or what makes batches itself.
        samples: Of arrays; None for other data.
        size: Of a batch of arrays; None to leave it to Keras.
    """

    data: Any
    samples: int | None
    size: int | None

    def end_within(self, steps: int) -> bool:
        """Whether they are known to be at most so many."""
        number = _told(self.data)
        if number is None and self.samples is not None:
            number = math.ceil(self.samples / (self.size or default_batch_size(self.samples, steps)))
        return number is not None and number <= steps


class Stepper:
    """Sets the steps of models that were compiled with one, and says in the run's properties how many it is.

    Args:
        steps: At least 1.
        recorder: Of the run.
        keras: The module.
    """

    def __init__(self, steps: int, recorder: Recorder, keras: Any) -> None:
        self.steps = steps
        self.recorder = recorder
        self.keras = keras
        self._set_here: WeakSet[Any] = WeakSet()  # the models whose steps are set here

    def hooks(self) -> dict[str, Callable[..., Any]]:
        """What is put in front of methods of `keras.Model`, by name (see `replace_method`)."""
        # Not of compile(): Keras compiles no model that it loads where that is another than its own.
        return {"fit": self.fit, "evaluate": self.evaluate, "predict": self.predict}

    def fit(
        self, original: Callable[..., Any], model: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        """Run a `fit()` with so many steps a call, and record them.

        Raises:
            ResultsError: The backend, its callbacks or its numbers of steps don't allow it.
        """
        given = bind(original, model, args, kwargs)
        if given is not None:
            named = given.arguments
            samples, held_out = count_fit_samples(self.keras, named)
            batches = {"steps_per_epoch": _Batches(named["x"], samples, named["batch_size"])}
            if named["validation_data"] is not None or named["validation_split"]:
                data = named["x"] if named["validation_data"] is None else named["validation_data"]
                size = named["validation_batch_size"] or named["batch_size"]
                batches["validation_steps"] = _Batches(data, held_out, size)
            self._set(model, named, batches, (*_TRAIN, *_TEST))
            self.recorder.properties(**{STEPS_PER_EXECUTION: model.steps_per_execution})
        return original(model, *args, **kwargs)

    def evaluate(
        self, original: Callable[..., Any], model: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        """Run an `evaluate()` with so many steps a call.

        Raises:
            ResultsError: The backend, its callbacks or its number of steps don't allow it.
        """
        # The validation within a fit() has been checked there.
        given = None if kwargs.get("_use_cached_eval_dataset") else bind(original, model, args, kwargs)
        if given is not None:
            named = given.arguments
            batches = _Batches(named["x"], count_samples(self.keras, named["x"]), named["batch_size"])
            self._set(model, named, {"steps": batches}, _TEST)
        return original(model, *args, **kwargs)

    def predict(
        self, original: Callable[..., Any], model: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        """Run a `predict()` with the script's one step a call.

        It would go on to the next multiple where the data have more than `steps`, and trace the network once
        for each step of a call.
        """
        if not self._is_ours(model):
            return original(model, *args, **kwargs)
        model.steps_per_execution = 1
        try:
            return original(model, *args, **kwargs)
        finally:
            model.steps_per_execution = self.steps

    def _is_ours(self, model: Any) -> bool:
        # Compiled again, a model has the script's number.
        return model in self._set_here and model.steps_per_execution == self.steps

    def _set(
        self,
        model: Any,
        named: Mapping[str, Any],
        batches: Mapping[str, _Batches],
        methods: tuple[str, ...],
    ) -> None:
        unset = model.steps_per_execution == 1 and self.steps > 1
        if unset or self._is_ours(model):
            self._check(named, batches, methods)
        if unset:
            self._set_here.add(model)
            model.steps_per_execution = self.steps
            # They were made for one step, where the script has trained before.
            model.train_function = model.test_function = None

    def _check(
        self, named: Mapping[str, Any], batches: Mapping[str, _Batches], methods: tuple[str, ...]
    ) -> None:
        backend = self.keras.config.backend()
        if backend != _BACKEND:
            raise ResultsError(f"{STEPS_PER_EXECUTION} needs Keras' backend {_BACKEND}, but got {backend}")
        for name, given in batches.items():
            self._check_steps(name, named.get(name), given)
        for callback in self._callbacks(named.get("callbacks")):
            if looks_at_batches(callback, self.keras.callbacks, methods):
                raise ResultsError(
                    f"{STEPS_PER_EXECUTION} needs callbacks that look at epochs only, but got "
                    f"{type(callback).__name__}, which looks at every batch"
                )

    def _check_steps(self, name: str, count: Any, given: _Batches) -> None:
        cap = getattr(self.keras.config, _CAP, lambda: None)()  # Keras 3.10 has none
        if cap and (not count or cap < count):
            name, count = f"keras.config.{_CAP}()", cap
        if count and count % self.steps and not given.end_within(count):
            # Keras goes on to the next multiple.
            raise ResultsError(f"{STEPS_PER_EXECUTION} must divide {name}, but got {self.steps} and {count}")
        if not count and not has_known_length(given.data, self.keras):
            raise ResultsError(
                f"{STEPS_PER_EXECUTION} needs {name} for data that don't tell their number of batches, "
                f"but got {type(given.data).__name__} without"
            )

    def _callbacks(self, given: Any) -> list[Any]:
        if isinstance(given, self.keras.callbacks.CallbackList):
            return list(given.callbacks)
        return list(self.keras.tree.flatten(given)) if given else []


def has_known_length(data: Any, keras: Any) -> bool:
    """Whether Keras knows how many batches there are before it has seen them.

    Where it doesn't, at one step a call, it begins a step more than there are, which the optimizer counts.

    Args:
        data: `x` of `fit()` or `evaluate()`, or what it validates on.
        keras: The module.
    """
    if hasattr(data, "cardinality") or hasattr(data, "num_batches"):
        return _told(data) is not None
    return all(part is None or hasattr(part, "shape") for part in keras.tree.flatten(data))


def _told(data: Any) -> int | None:
    """How many batches there are by what makes them; None where that doesn't know, or there is no end."""
    if hasattr(data, "cardinality"):  # tf.data
        known = int(data.cardinality() if callable(data.cardinality) else data.cardinality)
        return None if known < 0 else known
    return getattr(data, "num_batches", None)  # PyDataset


def looks_at_batches(callback: Any, callbacks: Any, methods: tuple[str, ...] = (*_TRAIN, *_TEST)) -> bool:
    """Whether a Keras callback does something at batches.

    Args:
        callback: Of `fit()` or `evaluate()`.
        callbacks: The module keras.callbacks.
        methods: Those of a callback that are called at batches.
    """
    idle = [getattr(callbacks, name) for name in _OF_EPOCHS]
    for name, when in _WHEN.items():
        kind = getattr(callbacks, name, None)  # Keras 3.10 has no OrbaxCheckpoint
        if kind is not None and isinstance(callback, kind):
            if _each_batch(callback, when):
                return True
            idle.append(kind)
    for name in (*methods, *_INNER):
        method = getattr(callback, name, None)
        function = getattr(method, "__func__", method)
        if function is not None and not any(function is getattr(kind, name, None) for kind in idle):
            return True
    return False


def _each_batch(callback: Any, when: str) -> bool:
    profiles = getattr(callback, "_should_trace", False)  # TensorBoard(profile_batch=...)
    measures = getattr(callback, "write_steps_per_second", False)
    return bool(profiles or measures or getattr(callback, when, None) != _EPOCH)
