"""The command that judges a run's model on its held-out set: `evaluate`."""

from typing import TYPE_CHECKING, Any

import click

from search.cli import options

if TYPE_CHECKING:
    import pandas as pd

    from search.evaluating import Evaluated
    from search.rerunning import Rerun

CONFUSIONS = 10  # the most frequent ones, on a terminal


@click.command(
    epilog="\b\nExamples:\n  gridruns evaluate 2026-11-21T09-02-11.123456Z\n"
    "  gridruns evaluate runs/my-study/2026-11-21T09-02-11.123456Z --html"
)
@click.argument("run")
@options.runs_dir
@click.option("--json", "as_json", is_flag=True, help="All but the single predictions, as JSON.")
@options.page
@click.option("--quiet", is_flag=True, help="Don't show the script's output where it is run again.")
def evaluate(run: str, runs_dir: str, as_json: bool, as_html: bool, output: str | None, quiet: bool) -> None:
    """Judge the model of RUN on the data of its script's last model.evaluate(x, y).

    A run that kept no model (--save-model of train and tune) is run again first. With --html it writes a page
    with the mistakes, by default evaluation.html in the run's directory.
    """
    from search.evaluating import evaluate as judge

    wanted = options.wants_page(as_html, output, as_json)
    found = judge(
        run,
        runs_dir=runs_dir,
        quiet=quiet or as_json or as_html,
        announce=lambda words: click.echo(words, err=True),
    )
    if found.refit is not None:
        click.echo(_outcome(found.refit), err=True)
    if as_json:
        from results.files import encode

        click.echo(encode(to_json(found)))
    elif wanted:
        from results.pages.evaluation import view_evaluation

        click.echo(view_evaluation(found.evaluation, output))
    else:
        _print(found)


def _outcome(refit: "Rerun") -> str:
    """How the repetition of a run came out."""
    new = refit.run["run_dir"].iloc[0]
    if refit.equal:
        return f"the new run {new} came out equal to the last bit, in all {refit.compared:,} values"
    what = "; ".join(refit.differences) or "there was nothing to compare"
    return f"the new run {new} did NOT come out equal, and what follows is the new run's: {what}"


def to_json(found: "Evaluated") -> dict[str, Any]:
    """An evaluation as plain JSON, without its single predictions; what isn't defined is null."""
    from search.cli.tables import records

    result, refit = found.evaluation, found.refit
    return {
        "run": result.run.as_posix(),
        "refit_of": None if refit is None else refit.original.as_posix(),
        "refit_equal": None if refit is None else refit.equal,
        "metrics": dict(result.metrics),
        "recorded": dict(result.recorded),
        "samples": len(result.predictions),
        "mistakes": len(result.mistakes),
        "matrix": {"rows": "predicted", "columns": "reference", "counts": result.matrix.to_numpy().tolist()},
        "overall": records(result.overall.to_frame().T)[0],
        "by_class": records(result.by_class.reset_index()),
        "confusions": records(result.confusions),
    }


def _print(found: "Evaluated") -> None:
    from results.confusion import overall_words
    from search.cli.tables import grid

    result = found.evaluation
    click.echo(f"{result.run}: {len(result.predictions):,} samples, {len(result.mistakes):,} mistakes\n")
    for name, value in result.metrics.items():
        recorded = result.recorded.get(name)
        then = "not recorded by the run" if recorded is None else f"{recorded:.6g} recorded by the run"
        click.echo(f"{name:<12} {value:.6g} ({then})")
    click.echo(f"\nrows: predicted, columns: reference\n{grid(_with_index(result.matrix))}\n")
    words = overall_words(result.overall)
    width = max(map(len, words))
    for name, text in words.items():
        click.echo(f"{name:<{width}}  {text}")
    click.echo(f"\n{grid(_with_index(result.by_class.map(_digits).rename(columns=_short)))}")
    if len(result.confusions):
        shown = result.confusions.head(CONFUSIONS)
        click.echo(f"\nThe {len(shown)} most frequent of {len(result.confusions):,} confusions:")
        click.echo(grid(shown))


def _with_index(table: "pd.DataFrame") -> "pd.DataFrame":
    """The labels of the rows as a first column."""
    named = table.copy()
    named.insert(0, "", [str(label) for label in table.index])
    return named


def _digits(value: Any) -> str:
    """A share with four digits, as R prints it."""
    from search.cli.tables import cell

    return f"{value:.4f}" if isinstance(value, float) else cell(value)


def _short(name: str) -> str:
    """A heading that lets eight columns fit a terminal."""
    return name.replace("positive_predictive_value", "ppv").replace("negative_predictive_value", "npv")
