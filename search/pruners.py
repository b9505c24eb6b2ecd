"""The table of pruners: a name, and how to make an Optuna pruner from its settings.

A pruner is written as in `--pruner median` or, with settings, `--pruner asha:min_resource=2`. The settings
are those of Optuna's class, under its names. Optuna is imported when a pruner is made or its settings are
checked, not when the names are read.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gridruns import GridrunsError, unknown
from search.foreign import foreign

if TYPE_CHECKING:
    from optuna import Trial
    from optuna.pruners import BasePruner


class PrunerError(GridrunsError):
    """A pruner that isn't there, or settings that it doesn't take."""


@dataclass(frozen=True)
class _Entry:
    """One pruner of the table.

    Attributes:
        of: The name of Optuna's class.
        presets: Settings that differ from that class's own defaults.
        needs: Settings without a default, which must be given.
    """

    of: str
    presets: Mapping[str, Any] = field(default_factory=dict)
    needs: tuple[str, ...] = ()


PRUNERS = {
    "median": _Entry("MedianPruner"),
    "percentile": _Entry("PercentilePruner", needs=("percentile",)),
    "asha": _Entry("SuccessiveHalvingPruner"),
    "hyperband": _Entry("HyperbandPruner"),
    "wilcoxon": _Entry("WilcoxonPruner"),
    "patient": _Entry("PatientPruner", {"wrapped_pruner": None}, needs=("patience",)),
}
"""Every pruner by its name: Optuna's class (optuna.pruners), our presets, what must be given."""


@dataclass(frozen=True)
class Pruner:
    """Which pruner a search has, as study.json keeps it.

    Attributes:
        name: One of `PRUNERS`; of an object its class's name.
        settings: What differs from the class's defaults, plain JSON.
        made: The Optuna pruner itself where the caller gave one; it can't be made again from study.json.
        is_object: Whether the caller gave one.
    """

    name: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    made: BasePruner | None = field(default=None, compare=False)
    is_object: bool = False

    def to_json(self) -> dict[str, Any]:
        """Plain JSON that `from_json` reads back; an object is only named."""
        return {"name": self.name, "settings": dict(self.settings), "object": self.is_object}

    @classmethod
    def from_json(cls, data: Any) -> Pruner | None:
        """The pruner that study.json names, or None where it has none.

        One that was an object of the caller's can't be made, but be told from others.

        Raises:
            PrunerError: It is no pruner of the table.
        """
        if data is None:
            return None
        match data:
            case {"name": str(name), "object": True}:
                return cls(name, is_object=True)
            case {"name": str(name), "settings": dict(settings)}:
                return _checked(name, settings)
        raise PrunerError(f"no pruner: {data!r:.80}")

    def make(self) -> BasePruner:
        """A new Optuna pruner, or the caller's own.

        Raises:
            PrunerError: Optuna refuses the settings, or it was an object of an earlier caller's.
        """
        if self.made is not None:
            return self.made
        if self.is_object:
            raise PrunerError(
                f"the pruner was a {self.name} object, which no file holds: "
                "go on from Python and give it again"
            )
        from optuna.exceptions import ExperimentalWarning

        settings = {**PRUNERS[self.name].presets, **self.settings}
        if isinstance(settings.get("wrapped_pruner"), str):
            settings["wrapped_pruner"] = _checked(settings["wrapped_pruner"], {}).make()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ExperimentalWarning)  # wilcoxon and patient are for now
                made: BasePruner = _class(self.name)(**settings)
        except ValueError as error:
            raise PrunerError(f"pruner {self.name!r}: {' '.join(str(error).split())}") from None
        return made

    def __str__(self) -> str:
        settings = ",".join(f"{name}={value}" for name, value in self.settings.items())
        return f"{self.name}:{settings}" if settings else self.name


def read_pruner(given: Any) -> Pruner | None:
    """The pruner that a caller asks for, checked by making it once.

    Args:
        given: None for none; a text such as "median" or "asha:min_resource=2,reduction_factor=3"; or an
            Optuna pruner.

    Raises:
        PrunerError: There is no such pruner, or it doesn't take these settings.
    """
    if given is None:
        return None
    if isinstance(given, str):
        name, _, rest = given.partition(":")
        pruner = _checked(name, _settings(name, rest))
        pruner.make()
        return pruner
    from optuna.pruners import BasePruner

    if not isinstance(given, BasePruner):
        raise PrunerError(f"pruner must be a name or an Optuna pruner, but got {given!r:.80}")
    return Pruner(type(given).__name__, made=given, is_object=True)


def gives_up(trial: Trial, step: int, value: float) -> bool:
    """Report one value of a trial; return whether the pruner of its study gives the trial up.

    Optuna warns at each step of a curve that has NaN, or that goes on where the best trial has ended early;
    both are ordinary here.

    Raises:
        PrunerError: The pruner itself went wrong.
    """
    pruner = trial.study.pruner
    with warnings.catch_warnings(), foreign(f"the pruner {type(pruner).__name__}", PrunerError):
        warnings.simplefilter("ignore")
        trial.report(value, step)
        return bool(trial.should_prune())  # of some pruners it is NumPy's


def _checked(name: str, settings: Mapping[str, Any]) -> Pruner:
    """A pruner of the table whose settings have known names, are of the right type and complete."""
    if name not in PRUNERS:
        raise PrunerError(unknown("pruner", name, PRUNERS))
    known = inspect.signature(_class(name)).parameters
    for setting, value in settings.items():
        if setting not in known:
            raise PrunerError(unknown(f"{name} setting", setting, known))
        _check_type(name, setting, value, str(known[setting].annotation))
    for setting in PRUNERS[name].needs:
        if setting not in settings:
            raise PrunerError(f"the pruner {name!r} needs {setting}, as in {name}:{setting}=...")
    if name == "hyperband":
        _check_hyperband(settings)
    return Pruner(name, dict(settings))


def _class(name: str) -> Any:
    """Optuna's class for a pruner of the table."""
    from optuna import pruners

    return getattr(pruners, PRUNERS[name].of)


def _check_type(name: str, setting: str, value: Any, annotation: str) -> None:
    """Hold a setting to the type that Optuna's signature gives it, since its classes don't look."""
    allowed: tuple[type, ...] = (int, float) if "float" in annotation else (int,)
    words = "a number" if float in allowed else "a whole number"
    if "str" in annotation:
        allowed, words = (*allowed, str), f"{words} or auto"
    if "BasePruner" in annotation:
        allowed, words = (str,), "the name of a pruner"
    if isinstance(value, bool) or not isinstance(value, allowed):
        raise PrunerError(f"{setting} of the pruner {name!r} must be {words}, but got {value!r}")


def _check_hyperband(settings: Mapping[str, Any]) -> None:
    """Refuse what Optuna's Hyperband would only stumble over once it runs."""
    least = settings.get("min_resource", 1)
    most = settings.get("max_resource", "auto")
    if least < 1:
        raise PrunerError(f"min_resource of the pruner 'hyperband' must be at least 1, but got {least}")
    if most != "auto" and most < least:
        raise PrunerError(
            f"max_resource of the pruner 'hyperband' must be at least min_resource, {least}, but got {most}"
        )
    if settings.get("reduction_factor", 3) < 2:
        raise PrunerError(
            f"reduction_factor of the pruner 'hyperband' must be at least 2, "
            f"but got {settings['reduction_factor']}"
        )


def _settings(name: str, text: str) -> dict[str, Any]:
    """Settings from "a=1,b=auto": numbers where they read as such, else words."""
    settings: dict[str, Any] = {}
    for part in filter(None, text.split(",")):
        setting, equals, value = (word.strip() for word in part.partition("="))
        if not equals or setting in settings:
            raise PrunerError(
                f"settings must be name=value, each once, separated by commas, but got {text!r} for {name!r}"
            )
        settings[setting] = _value(value)
    return settings


def _value(text: str) -> int | float | str:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
