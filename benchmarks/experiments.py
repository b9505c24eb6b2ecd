"""The long runs of docs/experiments.md: start them, and make the page's tables from what they found.

    python benchmarks/experiments.py run --runs-dir DIR [--quick] [NAME ...]
    python benchmarks/experiments.py tables --runs-dir DIR [--into docs/experiments.md] [NAME ...]

`run` does one trial at a time on one thread, a study for each experiment and seed; a study that is there
goes on, and one that is complete costs seconds. With `--quick` it tries whether all works: scikit-learn's
digits, one epoch, one seed, one of the networks, all in this process. `tables` prints Markdown, or puts
each table between the marks `<!-- NAME -->` and `<!-- /NAME -->` of a page. The experiments are those of
experiments.yaml, on MNIST.
"""

import argparse
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from ruamel.yaml import YAML

from results import leaderboard
from search import tuning_run
from spaces import load_space

HERE = Path(__file__).resolve().parent
SCRIPTS = HERE.parent / "scripts"
QUICK = ("data=digits", "epochs=1")
MEASURES = {
    "test": ("test loss", "eval_loss", "test accuracy", "eval_accuracy"),
    "last": ("val_loss, last epoch", "metric_val_loss", "val_accuracy", "metric_val_accuracy"),
    "best": ("val_loss, best epoch", "best_val_loss", "val_accuracy", "best_val_accuracy"),
}


@dataclass(frozen=True)
class Experiment:
    """One row of the table of experiments.

    Attributes:
        name: Its name, that of its studies too.
        script: The training script, without its ending.
        space: The name of its shipped space.
        settings: Flags that are set besides, as on the command line, none that varies.
        varies: The flags that tell its networks apart.
        measure: What the published figure is of, a name in MEASURES.
        published: The published figures, by the values of `varies` joined with ", ".
        seeds: Of the studies.
    """

    name: str
    script: str
    space: str
    settings: tuple[str, ...] = ()
    varies: tuple[str, ...] = ()
    measure: str = "test"
    published: Mapping[str, str] | None = None
    seeds: tuple[int, ...] = (1, 2, 3)

    def command(self) -> str:
        """What does the same on the command line, with the first seed."""
        settings = "".join(f" --set {setting}" for setting in self.settings)
        return f"gridruns tune scripts/{self.script}.py --space {self.space}{settings} --seed {self.seeds[0]}"

    def study(self, seed: int) -> str:
        """The name of the study with this seed."""
        return f"{self.name}-seed{seed}"


def experiments(names: Sequence[str]) -> list[Experiment]:
    """The experiments of these names, all if there are none, in the order of the file."""
    written: dict[str, dict[str, Any]] = YAML(typ="safe").load(HERE / "experiments.yaml")
    unknown = sorted(set(names) - set(written))
    if unknown:
        raise SystemExit(f"names must be among {', '.join(written)}, but got {', '.join(unknown)}")
    lists = ("settings", "varies", "seeds")
    found = []
    for name, written_parts in written.items():
        parts: dict[str, Any] = {k: tuple(v) if k in lists else v for k, v in written_parts.items()}
        if not names or name in names:
            found.append(Experiment(name=name, **parts))
    return found


def run(experiment: Experiment, runs_dir: Path, quick: bool) -> None:
    """Run what is missing of the experiment, or try one of its networks."""
    for seed in experiment.seeds[:1] if quick else experiment.seeds:
        tuning_run(
            SCRIPTS / f"{experiment.script}.py",
            experiment.space,
            set=(*experiment.settings, *QUICK) if quick else experiment.settings,
            trials=1 if quick else None,
            order="random" if quick else "grid",
            executor="inline" if quick else "local",
            seed=seed,
            workers=1,
            threads=1,
            study=experiment.study(seed),
            runs_dir=runs_dir,
        )


def table(experiment: Experiment, runs_dir: Path) -> str:
    """The experiment's Markdown table; what has not been run says so."""
    found = _runs(experiment, runs_dir)
    loss, loss_column, accuracy, accuracy_column = MEASURES[experiment.measure]
    heads = [*experiment.varies, "published", loss, accuracy]
    columns = [loss_column, accuracy_column]
    if experiment.measure != "test":
        heads.append("test accuracy")
        columns.append("eval_accuracy")
    lines = [_line([*heads, "CPU seconds", "seeds"]), _line(["---"] * (len(heads) + 2))]
    groups = dict(_groups(experiment, found))
    published = experiment.published or {}
    for key in networks(experiment):
        runs = groups.get(key)
        cells = [*(key.split(", ") if experiment.varies else ()), published.get(key, "-")]
        count = f"{0 if runs is None else len(runs)} of {len(experiment.seeds)}"
        if runs is None:
            lines.append(_line([*cells, "not run yet", *[""] * len(columns), count]))
            continue
        cells += [_spread(runs[column], 4) for column in columns]
        lines.append(_line([*cells, f"{runs['cpu_seconds'].mean():.0f}", count]))
    return "\n".join(lines)


def networks(experiment: Experiment) -> list[str]:
    """The keys of the experiment's networks, as in `published`, in the order of the grid."""
    if not experiment.varies:
        return [""]
    space = load_space(experiment.space)
    points = [space.point(i) for i in range(space.size or 0)]
    return [", ".join(_shown(point[name]) for name in experiment.varies) for point in points]


def into(page: str, name: str, text: str) -> str:
    """The page with `text` between the marks of `name`.

    Raises:
        SystemExit: The page has no such marks.
    """
    marks = re.compile(rf"(<!-- {name} -->).*?(<!-- /{name} -->)", re.DOTALL)
    if not marks.search(page):
        raise SystemExit(f"the page must have the marks <!-- {name} --> and <!-- /{name} -->")
    return marks.sub(lambda found: f"{found[1]}\n\n{text}\n\n{found[2]}", page)


def _runs(experiment: Experiment, runs_dir: Path) -> "pd.DataFrame":
    there = [runs_dir / experiment.study(seed) for seed in experiment.seeds]
    frames = [leaderboard(folder) for folder in there if folder.exists()]
    if not frames:
        return pd.DataFrame()
    return pd.concat([frame[frame["status"] == "completed"] for frame in frames])


def _groups(experiment: Experiment, found: "pd.DataFrame") -> Iterator[tuple[str, "pd.DataFrame"]]:
    """The runs of each network, with its key in `published`."""
    if found.empty:
        return
    if not experiment.varies:
        yield "", found
        return
    for values, runs in found.groupby([f"flag_{name}" for name in experiment.varies], sort=False):
        yield ", ".join(_shown(value) for value in values), runs


def _shown(value: Any) -> str:
    if str(value) in ("True", "False"):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)


def _spread(values: "pd.Series[float]", digits: int) -> str:
    """Mean and standard deviation, or the one value."""
    mean = f"{values.mean():.{digits}f}"
    return mean if len(values) < 2 else f"{mean} ± {values.std():.{digits}f}"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Run experiments, or print their tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("what", choices=["run", "tables"])
    parser.add_argument("names", nargs="*", help="the experiments; all if not given")
    parser.add_argument("--runs-dir", type=Path, required=True)
    parser.add_argument("--quick", action="store_true", help="try one network of each, for an epoch")
    parser.add_argument("--into", type=Path, help="a page with a pair of marks for each table")
    asked = parser.parse_intermixed_args()
    for experiment in experiments(asked.names):
        if asked.what == "run":
            run(experiment, asked.runs_dir, asked.quick)
            continue
        text = f"    {experiment.command()}\n\n{table(experiment, asked.runs_dir)}"
        if asked.into:
            asked.into.write_text(into(asked.into.read_text(), experiment.name, text))
        else:
            print(f"{experiment.name}\n\n{text}\n")


if __name__ == "__main__":
    main()
