"""Several training steps in one call of TensorFlow, for a script that leaves Keras at one.

Keras calls TensorFlow from Python once a step; `compile(steps_per_execution=N)` makes it once in N steps,
with the same losses. Here it is set from outside, at a model's first `fit()` or `evaluate()`.
"""

from collections.abc import Callable, Mapping
from typing import Any
from weakref import WeakSet

from results.errors import ResultsError
from results.keras_calls import bind
from results.recorder import Recorder

STEPS_PER_EXECUTION = "steps_per_execution"  # in run.json as asked for, in properties.json as it was

_TRAIN = ("on_train_batch_begin", "on_train_batch_end", "on_batch_begin", "on_batch_end")
_TEST = ("on_test_batch_begin", "on_test_batch_end")
_EPOCH = "epoch"
# Keras's own callbacks that look at batches only where this argument asks for it.
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
        self._ours: WeakSet[Any] = WeakSet()  # the models whose steps are set here

    def fit(
        self, original: Callable[..., Any], model: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        """Run a `fit()` with so many steps a call.

        Raises:
            ResultsError: Its callbacks or its numbers of steps don't allow it.
        """
        given = bind(original, model, args, kwargs)
        if given is not None:
            self._set(model, given.arguments, ("steps_per_epoch", "validation_steps"), (*_TRAIN, *_TEST))
        return original(model, *args, **kwargs)

    def evaluate(
        self, original: Callable[..., Any], model: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        """Run an `evaluate()` with so many steps a call.

        Raises:
            ResultsError: Its callbacks or its number of steps don't allow it.
        """
        # The validation within a fit() has been checked there.
        given = None if kwargs.get("_use_cached_eval_dataset") else bind(original, model, args, kwargs)
        if given is not None:
            self._set(model, given.arguments, ("steps",), _TEST)
        return original(model, *args, **kwargs)

    def _set(
        self, model: Any, named: Mapping[str, Any], counts: tuple[str, ...], methods: tuple[str, ...]
    ) -> None:
        unset = model.steps_per_execution == 1 and self.steps > 1
        if unset or model in self._ours:
            self._check(named, counts, methods)
        if unset:
            self._ours.add(model)
            model.steps_per_execution = self.steps
            # They were made for one step, where the script has trained or predicted before.
            model.train_function = model.test_function = model.predict_function = None
        self.recorder.properties(**{STEPS_PER_EXECUTION: model.steps_per_execution})

    def _check(self, named: Mapping[str, Any], counts: tuple[str, ...], methods: tuple[str, ...]) -> None:
        for name in counts:
            count = named.get(name)
            if count is not None and count % self.steps:
                # Keras goes on to the next multiple where the data have more.
                raise ResultsError(
                    f"{STEPS_PER_EXECUTION} must divide {name}, but got {self.steps} and {count}"
                )
        for callback in self._callbacks(named.get("callbacks")):
            if looks_at_batches(callback, self.keras.callbacks, methods):
                raise ResultsError(
                    f"{STEPS_PER_EXECUTION} needs callbacks that look at epochs only, but got "
                    f"{type(callback).__name__}, which looks at every batch"
                )

    def _callbacks(self, given: Any) -> list[Any]:
        if isinstance(given, self.keras.callbacks.CallbackList):
            return list(given.callbacks)
        return list(self.keras.tree.flatten(given)) if given else []


def looks_at_batches(callback: Any, callbacks: Any, methods: tuple[str, ...] = (*_TRAIN, *_TEST)) -> bool:
    """Whether a Keras callback does something at batches.

    Args:
        callback: Of `fit()` or `evaluate()`.
        callbacks: The module keras.callbacks.
        methods: Those of a callback that are called at batches.
    """
    kind = type(callback)
    if kind in (callbacks.History, callbacks.ProgbarLogger):
        return False
    when = _WHEN.get(kind.__name__)
    if when is not None and kind is getattr(callbacks, kind.__name__):
        profiles = getattr(callback, "_should_trace", False) or getattr(
            callback, "write_steps_per_second", False
        )
        return profiles or getattr(callback, when) != _EPOCH
    base = callbacks.Callback
    return any(
        getattr(getattr(callback, name), "__func__", None) is not getattr(base, name) for name in methods
    )
