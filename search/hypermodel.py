"""What runs in a trial's process in a script's place: a keras-tuner hypermodel, built and trained.

The user's files are loaded as modules under their own names, so that what stands under
`if __name__ == "__main__":` doesn't run.
"""

import importlib.util
import keyword
import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from gridruns import unknown
from results.recorder import Recorder
from search.discovery import HypermodelError
from search.script import Entry
from spaces import Value
from spaces.flag import RESERVED
from spaces.flag_values import FlagValues

HANDED: Mapping[str, int] = {"epochs": 10, "batch_size": 32}
"""Flags besides the hyperparameters, with their defaults: arguments of `fit()`."""

OBJECTIVE = "objective"
"""The metric that a number which `HyperModel.fit` returns is logged as."""

_FORMS = "(x, y), ((x, y), (x_val, y_val)) or a mapping of arguments of fit()"

Log = Callable[[Mapping[str, Any]], object]


def flag_name(name: str) -> str:
    """The flag of a hyperparameter: its name, made an identifier where it is none.

    Examples:
        flag_name("dense/units") == "dense_units"
    """
    flag = re.sub(r"[^0-9A-Za-z_]", "_", name).lstrip("_")
    if not flag[:1].isalpha():
        flag = f"hp_{flag}"
    taken = keyword.iskeyword(flag) or flag in RESERVED or hasattr(FlagValues, flag)
    return f"{flag}_" if taken else flag


def train(
    script: Path, entry: Entry, values: Mapping[str, Value], missing: frozenset[str], recorder: Recorder
) -> None:
    """Build the model at a point and train it, as keras-tuner does.

    Args:
        script: The file of the hypermodel.
        entry: What of it.
        values: The value of every flag.
        missing: The flags that don't apply at this point.
        recorder: Of the run.

    Raises:
        HypermodelError: The hypermodel asks for what isn't in the point, or returns what it must not.
    """
    import keras

    hypermodel, data = load(script, entry)
    hp = _fixed(values, missing)
    model = build(hypermodel, hp)
    arguments, named = fit_arguments(data)
    named |= {name: values[name] for name in HANDED if name not in entry.without}
    named["callbacks"] = [*(named.get("callbacks") or ()), _reporter(keras, recorder.log)]
    result = hypermodel.fit(hp, model, *arguments, **named)
    if isinstance(result, keras.callbacks.History) or result is None:
        return  # recorded epoch by epoch
    if isinstance(result, Mapping):
        recorder.log(result, step=recorder.highest + 1, last=True)
    elif isinstance(result, tuple | list | str) or not hasattr(result, "__float__"):
        raise HypermodelError(
            "fit() of a hypermodel must return a History, a number or a mapping of metrics, "
            f"but got {type(result).__name__}"
        )
    else:
        recorder.log({OBJECTIVE: float(result)}, step=recorder.highest + 1, last=True)


def fit_arguments(data: object) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments of `fit()`, by place and by name, that data make.

    Raises:
        HypermodelError: They have none of the known forms.
    """
    if isinstance(data, Mapping) and all(isinstance(name, str) for name in data):
        return (), dict(data)
    if not isinstance(data, tuple | list) or len(data) != 2:
        size = f" of {len(data)}" if isinstance(data, tuple | list) else ""
        raise HypermodelError(f"data must return {_FORMS}, but got a {type(data).__name__}{size}")
    paired = [isinstance(part, tuple | list) and len(part) == 2 for part in data]
    if all(paired):
        return tuple(data[0]), {"validation_data": tuple(data[1])}
    if any(isinstance(part, tuple) for part in data):
        raise HypermodelError(f"data must return {_FORMS}, but got a {type(data).__name__} of unlike parts")
    return tuple(data), {}


def build(hypermodel: Any, hp: Any) -> Any:
    """The model that a hypermodel builds.

    Raises:
        HypermodelError: It is no Keras model.
    """
    import keras

    hypermodel.declare_hyperparameters(hp)
    model = hypermodel.build(hp)
    if not isinstance(model, keras.Model):
        raise HypermodelError(
            f"build(hp) of a hypermodel must return a Keras model, but got {type(model).__name__}"
        )
    return model


def _fixed(values: Mapping[str, Value], missing: frozenset[str]) -> Any:
    """A keras-tuner `HyperParameters` that gives the values of a point, and nothing else."""
    from keras_tuner import HyperParameters

    class Fixed(HyperParameters):  # type: ignore[misc]
        def _register(self, hyperparameter: Any, overwrite: bool = False) -> Any:
            name = hyperparameter.name
            if name not in self.values and self.is_active(hyperparameter):
                self.values[name] = _value(name, values, missing)
            return super()._register(hyperparameter)

    return Fixed()


def _value(name: str, values: Mapping[str, Value], missing: frozenset[str]) -> Value:
    flag = flag_name(name)
    if flag not in values:
        raise HypermodelError(
            f"the hypermodel asks for {name!r}, which it didn't ask for when its hyperparameters were found"
        )
    if flag in missing:
        raise HypermodelError(
            f"the hypermodel asks for {name!r}, which doesn't apply at this point of the space"
        )
    return values[flag]


def _reporter(keras: Any, log: Log) -> Any:
    """A callback for training loops that call callbacks themselves; `fit()` records its epochs without it."""

    class Reporter(keras.callbacks.Callback):  # type: ignore[misc]
        fitting = False

        def on_train_begin(self, logs: Any = None) -> None:
            self.fitting = True

        def on_train_end(self, logs: Any = None) -> None:
            self.fitting = False

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            if not self.fitting and logs:
                log(logs)

    return Reporter()


def has_own_fit(hypermodel: Any) -> bool:
    """Whether a hypermodel trains its models in a way of its own."""
    from keras_tuner import HyperModel

    return type(hypermodel).fit is not HyperModel.fit


def load(script: Path, entry: Entry) -> tuple[Any, object]:
    """The hypermodel, and what its data function returns.

    Raises:
        HypermodelError: The files don't have what is named.
    """
    from keras_tuner import HyperModel

    module = _module(script)
    given = _attribute(module, entry.hypermodel)
    if isinstance(given, type) and issubclass(given, HyperModel):
        given = given()
    if isinstance(given, type) or not (isinstance(given, HyperModel) or callable(given)):
        raise HypermodelError(
            f"{script.name}: {entry.hypermodel} must be a function build(hp) or a HyperModel, but is "
            f"{given.__name__ if isinstance(given, type) else type(given).__name__}"
        )
    data = _attribute(module if entry.data_file == script else _module(entry.data_file), entry.data)
    if not callable(data):
        raise HypermodelError(
            f"{entry.data_file.name}: {entry.data} must be a function that returns data, "
            f"but is {type(data).__name__}"
        )
    if not isinstance(given, HyperModel):
        function, given = given, HyperModel()
        given.build = function
    return given, data()


def _module(file: Path) -> ModuleType:
    """Load a file as the module of its name."""
    known = sys.modules.get(file.stem)
    if known is not None and Path(str(getattr(known, "__file__", None))) != file:
        raise HypermodelError(f"{file.name} is named like the module {file.stem!r}; rename it")
    if str(file.parent) not in sys.path:
        sys.path.insert(1, str(file.parent))
    spec = importlib.util.spec_from_file_location(file.stem, file)
    if spec is None or spec.loader is None:
        raise HypermodelError(f"{file.name} can't be loaded as a module; its name must end in .py")
    module = sys.modules[file.stem] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _attribute(module: ModuleType, name: str) -> Any:
    if not hasattr(module, name):
        public = (known for known, value in vars(module).items() if known[0] != "_" and callable(value))
        raise HypermodelError(f"{Path(str(module.__file__)).name}: {unknown('name', name, public)}")
    return getattr(module, name)
