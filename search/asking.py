"""What a hypermodel asks for, as a job that reads declarations writes it: its flags and their conditions."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from search.discovery import HypermodelError, Hyperparameter, discover
from search.hypermodel import HANDED, build, fit_arguments, flag_name, has_own_fit, load
from search.script import Entry
from spaces import Flag
from spaces.domains import Choice, Domain, Int
from spaces.kinds import TYPES, FlagKind


def declare(script: Path, entry: Entry, stop: type[BaseException]) -> dict[str, Any]:
    """Find the hyperparameters, as a job that reads declarations writes them.

    `fit` of a `HyperModel` is called, too, and left where it begins to train or log.

    Args:
        script: The file of the hypermodel.
        entry: What of it.
        stop: Raised where `fit` logs something; this raises it where a model is trained or called.

    Raises:
        HypermodelError: The files don't have what is named, or it makes no space.
    """
    hypermodel, data = load(script, entry)
    asked = _Asked(hypermodel, data, stop)
    found = discover(asked.declare)
    flags = _flags(found, asked.without)
    return {
        "flags": [flag.to_json() for flag in flags],
        "file": None,
        "profile": None,
        "conditions": {
            flag_name(one.name): {
                flag_name(parent): list(values) for parent, values in one.conditions.items()
            }
            for one in found
            if one.conditions
        },
        "without": list(asked.without),
    }


class _Asked:
    """Builds a hypermodel to see what it asks for, and how far `fit` takes over `HANDED`."""

    def __init__(self, hypermodel: Any, data: object, stop: type[BaseException]) -> None:
        self.hypermodel = hypermodel
        self.arguments, self.named = fit_arguments(data)
        self.without = tuple(name for name in HANDED if name in self.named)
        self.stop = stop

    def declare(self, hp: Any) -> None:
        """Declare what a build and a fit ask for."""
        import keras

        keras.utils.clear_session()
        model = build(self.hypermodel, hp)
        self._take_over(hp)
        if not has_own_fit(self.hypermodel):
            return
        with _untrained(self.stop):
            try:
                self._fit(hp, model)
            except TypeError:
                if not self._take_over(hp):  # both of us have given `epochs`
                    raise
                self._fit(hp, model)
        self._take_over(hp)

    def _take_over(self, hp: Any) -> bool:
        """Note which arguments of `fit` are hyperparameters of the user's; whether there are more now."""
        new = tuple(name for name in HANDED if name in hp and name not in self.without)
        self.without += new
        return bool(new)

    def _fit(self, hp: Any, model: Any) -> None:
        from keras.callbacks import Callback

        handed = {name: value for name, value in HANDED.items() if name not in self.without}
        named = {**self.named, **handed, "callbacks": [*(self.named.get("callbacks") or ()), Callback()]}
        with suppress(self.stop):
            self.hypermodel.fit(hp, model, *self.arguments, **named)


@contextmanager
def _untrained(stop: type[BaseException]) -> Iterator[None]:
    """While open, calling a model or its `fit` raises `stop`."""
    import keras

    def end(*arguments: Any, **named: Any) -> None:
        raise stop("fit()")

    before = {name: vars(keras.Model).get(name) for name in ("fit", "__call__")}
    for name in before:
        setattr(keras.Model, name, end)
    try:
        yield
    finally:
        for name, own in before.items():
            if own is None:
                delattr(keras.Model, name)
            else:
                setattr(keras.Model, name, own)


def _flags(found: list[Hyperparameter], without: tuple[str, ...]) -> list[Flag]:
    """The flags of hyperparameters, then those that are handed to `fit()`."""
    names = {name: name for name in HANDED if name not in without}
    for one in found:
        flag = flag_name(one.name)
        if flag in names:
            raise HypermodelError(
                f"{names[flag]!r} and {one.name!r} would both be the flag {flag}; rename one"
            )
        names[flag] = one.name
    flags = [Flag(flag_name(one.name), _kind(one.domain), one.default, one.domain, one.name) for one in found]
    handed = (Flag(name, FlagKind.INTEGER, HANDED[name], None, "of fit()") for name in HANDED)
    return [*flags, *(flag for flag in handed if flag.name not in without)]


def _kind(domain: Domain) -> FlagKind:
    """The kind of flag that takes the values of a domain."""
    if not isinstance(domain, Choice):
        return FlagKind.INTEGER if isinstance(domain, Int) else FlagKind.NUMERIC
    types = {type(value) for value in domain.values}
    return next(kind for kind in reversed(FlagKind) if types <= set(TYPES[kind]))
