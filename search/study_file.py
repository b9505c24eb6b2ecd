"""study.json: written, read back, and compared with what is asked for now.

It says what the study is. When a study grows or is extended it is replaced, and the former is kept as
study.1.json, study.2.json ...
"""

import itertools
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gridruns import GridrunsError
from results import layout
from results.clock import timestamp
from results.files import read_json, write_json
from results.status import Status
from search.entry import read_again
from search.launch import check_execution
from search.plan import check_seed
from search.pruners import Pruner
from search.samplers import sampler_name
from search.script import Entry, Script
from search.study import Earlier, Metric, Study, StudyError, versions
from spaces import Flag, Space

FORMAT = 1


def to_json(study: Study) -> dict[str, Any]:
    """The content of study.json."""
    return {
        "format": FORMAT,
        "name": study.name,
        "created": timestamp(),
        "script": {
            "path": str(study.script.path),
            "shown": study.script.shown,
            "sha256": study.script.sha256,
            "modules": {str(path): digest for path, digest in study.script.digests.items()},
            "entry": None if study.script.entry is None else study.script.entry.to_json(),
        },
        "flags": [flag.to_json() for flag in study.declared],
        "base": dict(study.base),
        "space": study.space.to_json(),
        "planned": study.planned,
        "sample": study.sample,
        "sampler": {"name": sampler_name(study.sampler), "order": study.order},
        "allow_duplicates": study.allow_duplicates,
        "repeats": study.repeats,
        "earlier": [result.to_json() for result in study.earlier],
        "pruner": None if study.pruner is None else study.pruner.to_json(),
        "metric": study.metric.to_json(),
        "also": [metric.to_json() for metric in study.also],
        "seed": study.seed,
        "execution": dict(study.execution),
        "rerun": {status.value: timestamp(before) for status, before in study.rerun.items()},
        "storage": study.storage,
        "idle": {key: list(names) for key, names in study.idle.items()},
        "versions": versions(),
    }


def save(study: Study, folder: Path) -> None:
    """Write study.json, keeping the one that is there under the next free number."""
    current = folder / layout.STUDY
    if current.exists():
        former = (folder / f"{current.stem}.{number}.json" for number in itertools.count(1))
        write_json(next(path for path in former if not path.exists()), read_raw(folder), durable=True)
    write_json(current, to_json(study), durable=True)


def read_raw(folder: Path) -> dict[str, Any]:
    """The content of a study's study.json.

    Raises:
        StudyError: There is none that can be read.
    """
    raw = read_json(folder / layout.STUDY)
    if raw is None:
        raise StudyError(f"no readable {layout.STUDY} in {str(folder)!r}")
    return raw


def load(folder: Path, raw: Mapping[str, Any], script: Script | None = None) -> Study:
    """The study that a study.json describes.

    Args:
        folder: Where it is.
        raw: Its content.
        script: The script as it is now; None for what is recorded of it, enough to count what is left to do.

    Raises:
        StudyError: It lacks something, or holds what no study has.
    """
    try:
        study = Study(
            name=folder.name,
            script=_recorded_script(raw) if script is None else script,
            declared=tuple(Flag.from_json(flag) for flag in raw["flags"]),
            base=dict(raw["base"]),
            space=Space.from_json(raw["space"]),
            planned=raw["planned"],
            sampler=raw["sampler"]["name"],
            order=raw["sampler"]["order"],
            pruner=Pruner.from_json(raw.get("pruner")),
            metric=Metric(**raw["metric"]),
            also=tuple(Metric(**metric) for metric in raw.get("also", ())),
            repeats=raw.get("repeats", 1),
            allow_duplicates=raw.get("allow_duplicates", False),
            earlier=tuple(Earlier(**result) for result in raw.get("earlier", ())),
            seed=raw["seed"],
            sample=raw.get("sample"),
            execution=raw.get("execution", {}),
            rerun=_rerun(raw),
            storage=_storage(raw),
            idle={key: tuple(names) for key, names in raw.get("idle", {}).items()},
        )
        check_seed(study.seed)
        check_execution(study.execution)
        open_plan = study.planned is None and study.space.size is None and study.execution.get("max_time")
        for name in ("repeats",) if open_plan else ("planned", "repeats"):
            count = getattr(study, name)
            if isinstance(count, bool) or not isinstance(count, int) or count < 1:
                raise StudyError(f"{name} must be a whole number of at least 1, but got {count!r}")
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise StudyError(f"{str(folder / layout.STUDY)!r} isn't a study's: {error!r}") from None
    except GridrunsError as error:
        raise StudyError(f"{str(folder / layout.STUDY)!r} isn't a study's: {error}") from None
    return study


def _rerun(raw: Mapping[str, Any]) -> dict[Status, datetime]:
    times = raw.get("rerun", {})
    try:
        return {Status(name): datetime.fromisoformat(text).astimezone(UTC) for name, text in times.items()}
    except (AttributeError, TypeError, ValueError, OverflowError):
        raise StudyError(f"rerun must be a time for each end, but got {times!r}") from None


def _storage(raw: Mapping[str, Any]) -> str | None:
    url = raw.get("storage")
    if url is not None and not isinstance(url, str):
        raise StudyError(f"storage must be a URL, but got {url!r}")
    return url


def script_path(folder: Path, raw: Mapping[str, Any]) -> Path:
    """Where the script of a study is.

    Raises:
        StudyError: Its study.json doesn't say.
    """
    try:
        return _recorded_script(raw).path
    except (KeyError, TypeError, AttributeError):
        raise StudyError(f"{str(folder / layout.STUDY)!r} names no script") from None


def script_now(folder: Path, raw: Mapping[str, Any]) -> Script:
    """The script or hypermodel of a study, as its files are now.

    Raises:
        StudyError: Its study.json doesn't say which.
        ScriptError: Its files can't be read.
    """
    script_path(folder, raw)
    return read_again(_recorded_script(raw))


def _recorded_script(raw: Mapping[str, Any]) -> Script:
    recorded = raw["script"]
    digests = {Path(path): digest for path, digest in recorded["modules"].items()}
    entry = recorded.get("entry")
    return Script(
        Path(recorded["path"]), recorded["shown"], digests, (),
        entry=None if entry is None else Entry.from_json(entry),
    )  # fmt: skip


def differences(folder: Path, raw: Mapping[str, Any], asked: Study) -> list[str]:
    """What of a study on disk isn't as it is asked for now, a phrase each; the number of trials aside.

    Args:
        folder: The study's directory.
        raw: The content of its study.json.
        asked: What is asked for.

    Raises:
        StudyError: study.json isn't a study's.
    """
    try:
        return _differences(raw, asked)
    except (KeyError, TypeError, AttributeError) as error:
        raise StudyError(f"{str(folder / layout.STUDY)!r} isn't a study's: {error!r}") from None


def _differences(raw: Mapping[str, Any], asked: Study) -> list[str]:
    now = to_json(asked)
    found = []
    if _digests(raw) != _digests(now):
        found.append("the script or a local module has changed")
    if (before := raw["script"].get("entry")) != (entry := now["script"]["entry"]):
        found.append(f"hypermodel and data {_named(before)} -> {_named(entry)}")
    found += _changed_flags("flags", _by_name(raw.get("flags")), _by_name(now["flags"]))
    found += _changed_flags("fixed values", raw.get("base", {}), now["base"])
    if raw.get("space") != now["space"]:
        found += _changed_space(raw["space"], asked.space)
    for name in ("sampler", "pruner", "metric"):
        if raw.get(name) != now[name]:
            found.append(f"{name} {_words(raw.get(name))} -> {_words(now[name])}")
    if raw.get("also", []) != now["also"]:
        found.append(f"further metrics {_listed(raw.get('also'))} -> {_listed(now['also'])}")
    for name, words in (("repeats", "repeats"), ("allow_duplicates", "duplicates allowed")):
        if raw.get(name, Study.__dataclass_fields__[name].default) != now[name]:
            found.append(f"{words} {raw.get(name)} -> {now[name]}")
    if raw.get("earlier", []) != now["earlier"]:
        before, count = len(raw.get("earlier", [])), len(now["earlier"])
        found.append(f"earlier results {before} -> {count}{' others' * (before == count)}")
    if raw.get("seed") != now["seed"]:
        found.append(f"seed {raw.get('seed')} -> {now['seed']}")
    return found


def _digests(raw: Mapping[str, Any]) -> set[str]:
    return set(raw.get("script", {}).get("modules", {}).values())


def _by_name(flags: Any) -> dict[str, Any]:
    return {flag["name"]: flag for flag in flags or []}


def _changed_flags(what: str, before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    changed = [name for name in {**before, **now} if before.get(name, KeyError) != now.get(name, KeyError)]
    return [f"{what}: {', '.join(changed)}"] if changed else []


def _listed(metrics: Any) -> str:
    return ", ".join(_words(metric) for metric in metrics or ()) or "none"


def _changed_space(before: Any, now: Space) -> list[str]:
    then = Space.from_json(before)
    domains, former = now.parameters(), then.parameters()
    phrases = []
    for name in {**then.conditions, **now.conditions}:
        old, new = then.conditions.get(name, "always"), now.conditions.get(name, "always")
        if old != new and name in domains and name in former:
            phrases.append(f"{name} applies if {old} -> {new}")
    phrases += [f"without where {text}" for text in then.constraints if text not in now.constraints]
    phrases += [f"where {text}" for text in now.constraints if text not in then.constraints]
    for name in {**former, **domains}:
        if name not in domains:
            phrases.append(f"without {name}")
        elif name not in former:
            phrases.append(f"with {name}: {domains[name].describe()}")
        elif domains[name] != former[name]:
            phrases.append(f"{name}: {former[name].describe()} -> {domains[name].describe()}")
    return [f"space {'; '.join(phrases) or 'with other rows or another order of flags'}"]


def _named(entry: Mapping[str, Any] | None) -> str:
    """What of a file is run, in words."""
    return "none" if entry is None else f"{entry['hypermodel']} with {entry['data']}"


def _words(value: Any) -> str:
    if value is None:
        return "none"
    return " ".join(str(part) for part in value.values()) if isinstance(value, dict) else str(value)
