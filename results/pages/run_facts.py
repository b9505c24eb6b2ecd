"""What is known of a run in words and numbers: facts, flags, metrics, versions, the command."""

import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from results.command import train_command
from results.notes import read_notes
from results.pages.parts import facts, text
from results.pages.tables import table
from results.ranking import Judge, Objective, study_objective
from results.run import Epoch, Run
from results.versions import versions_of

_OWN_SECTION = ("model",)  # of the properties


def summary(run: Run) -> Mapping[str, object]:
    """Where a run lies, when it was and what it took; None for what isn't known."""
    record, outcome = run.record, run.outcome
    said = read_notes(run.path)
    begin, end = run.start, run.end
    objective = _objective(run)
    best = run.best_value(objective.metric, objective.goal) if objective else None
    return {
        "Tags": ", ".join(said.tags) or None,
        "Note": said.note or None,
        "Directory": run.path.as_posix(),
        "Study": record.get("study"),
        "Trial": record.get("number"),
        "Script": record.get("script"),
        f"Best {objective.metric}" if objective else "Best": best,
        "Seed": record.get("seed"),
        "Threads": record.get("threads"),
        "Start": begin.isoformat() if begin else None,
        "End": end.isoformat() if end else None,
        "Duration": f"{(end - begin).total_seconds():,.3f} s" if begin and end else None,
        "CPU time": _measured(outcome.get("cpu_seconds"), 1, "s", 3),
        "Memory, at most": _measured(outcome.get("peak_memory_bytes"), 1 << 20, "MiB", 1),
        "Exit code": outcome.get("exit_code"),
        "Signal": outcome.get("signal"),
        "Host": record.get("host"),
        "Problems": "; ".join(run.problems) or None,
    }


def flags_table(run: Run) -> Iterator[str]:
    """Every flag and its value as JSON has it, texts as they are; below it those that don't apply."""
    rows = {name: value if isinstance(value, str) else repr(value) for name, value in run.flags.items()}
    idle = {name: rows.pop(name) for name in list(rows) if name in run.inactive}
    if rows:
        yield from _pairs("Flags and their values", rows)
    if idle:
        yield from _pairs("Flags that don't apply to this run, and what the script got", idle)


def metrics_table(run: Run) -> Iterator[str]:
    """Every metric at the best epoch, at the last, and as evaluated."""
    best = next(iter(Judge([run]).best_epochs().values()), None)
    names = list(dict.fromkeys([*run.metric_names, *run.evaluation]))
    if not names:
        return
    data = pd.DataFrame(
        {
            "metric": names,
            _best_heading(best): _column(best.metrics if best else {}, names),
            f"last epoch ({run.epochs[-1].step})" if run.epochs else "last epoch": _column(
                run.last_metrics, names
            ),
            "evaluation": _column(run.evaluation, names),
        }
    )
    yield from table(data.loc[:, data.notna().any()], "Five digits; all of them in a tooltip.")


def training(run: Run) -> Iterator[str]:
    """Optimizer, sizes and what else `fit()` tells."""
    known = {
        name.replace("_", " "): value for name, value in run.properties.items() if name not in _OWN_SECTION
    }
    if known:
        yield from facts(known)


def environment(run: Run) -> Iterator[str]:
    """The versions of packages: of the run, or else of its study when that was begun."""
    versions = versions_of(run)
    if versions:
        yield from _pairs("Versions", versions)


def command(run: Run) -> Iterator[str]:
    """The commands that run it again."""
    if "script" not in run.record:
        return
    line = command_of(run)
    again = shlex.join(["gridruns", "rerun", run.path.as_posix()])
    yield "<p>The script as it is now, with the flags and the seed of this run:</p>"
    yield f'<pre class="wrap" tabindex="0">{text(line)}</pre>'
    yield "<p>The source archived with the run, and a comparison of the metrics:</p>"
    yield f'<pre class="wrap" tabindex="0">{text(again)}</pre>'


def command_of(run: Run) -> str:
    """The `gridruns train` command for a run."""
    seed, threads = run.record.get("seed"), run.record.get("threads")
    script, entry = str(run.record.get("script")), run.record.get("entry")
    if not isinstance(entry, dict):
        return train_command(script, run.flags, seed, threads)
    data = f"{Path(script).parent / str(entry.get('data_file'))}:{entry.get('data')}"
    return train_command(f"{script}:{entry.get('hypermodel')}", run.flags, seed, threads, data)


def _objective(run: Run) -> Objective | None:
    """What the run is judged by: its study's metric, for a single run `val_loss`, else `loss`."""
    usual = (Objective(name, "min") for name in ("val_loss", "loss") if name in run.metric_names)
    return study_objective(run.path.parent) or next(usual, None)


def _best_heading(best: Epoch | None) -> str:
    return f"best epoch ({best.step})" if best else "best epoch"


def _column(found: Mapping[str, float], names: list[str]) -> "pd.Series[Any]":
    return pd.Series([found.get(name, pd.NA) for name in names], dtype=object)


def _pairs(caption: str, rows: Mapping[str, str]) -> Iterator[str]:
    yield f'<div class="wide" tabindex="0" role="region" aria-label="{text(caption)}"><table>'
    yield f"<caption>{text(caption)}</caption><tbody>"
    for name, value in rows.items():
        yield f'<tr><th scope="row"><div>{text(name)}</div></th><td><div>{text(value)}</div></td></tr>'
    yield "</tbody></table></div>"


def _measured(value: Any, unit: int, name: str, digits: int) -> str | None:
    known = isinstance(value, int | float) and not isinstance(value, bool)
    return f"{value / unit:,.{digits}f} {name}" if known else None
