"""What a comparison says of runs, as data and on the terminal."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from results import compare_runs, layout, leaderboard, tag_run, view_comparison
from results.compare import Comparison
from results.curves import all_curves, metric_figure
from results.errors import ResultsError
from results.files import write_json
from results.recorder import Recorder
from results.run import Epoch, Run
from results.sources import PAIRS
from search.cli import main

MakeRun = Callable[..., Path]
MakeStudy = Callable[..., Path]


def differing(found: Comparison) -> dict[str, list[object]]:
    """What differs by name, without what a run costs."""
    rows = zip(found.differences.index.tolist(), found.differences.to_numpy().tolist(), strict=True)
    return {name: values for (kind, name), values in rows if kind != "cost"}


def with_source(run: Path, **files: str) -> Path:
    """The same run, with files in its source."""
    for name, content in files.items():
        (run / layout.SOURCE).mkdir(exist_ok=True)
        (run / layout.SOURCE / f"{name}.py").write_text(content)
    return run


@pytest.fixture
def two(make_study: MakeStudy, make_run: MakeRun) -> tuple[Path, Path]:
    folder = make_study("s")
    write_json(
        folder / layout.STUDY,
        {"metric": {"name": "val_loss", "goal": "min"}, "versions": {"keras": "3.15.1", "numpy": "2.4"}},
    )
    first = make_run(
        {"val_loss": 2.0, "accuracy": 0.5},
        {"val_loss": 1.0, "accuracy": 0.4},
        study="s",
        number=0,
        flags={"nodes": 64, "mixed": 1, "same": "x"},
        seed=1,
    )
    second = make_run(
        {"val_loss": 0.5, "accuracy": 0.6},
        {"val_loss": 0.75, "accuracy": 0.7},
        study="s",
        number=1,
        flags={"nodes": 128, "mixed": 1.0, "same": "x"},
        seed=2,
        versions={"keras": "3.14", "numpy": "2.4"},
    )
    for run, loss in ((first, 0.25), (second, 0.5)):
        recorder = Recorder(run)
        recorder.evaluated({"loss": loss, "odd": 1.0})
        recorder.close()
    return first, second


def test_what_differs_is_told_from_what_is_equal(two: tuple[Path, Path]) -> None:
    tag_run(two[1], "good")
    found = compare_runs(*two)
    assert list(found.runs) == ["trial 0", "trial 1"]
    assert list(found.differences.columns) == ["trial 0", "trial 1"]
    assert differing(found) == {
        "nodes": [64, 128],
        "mixed": [1, 1.0],
        "seed": [1, 2],
        "tags": [pd.NA, "good"],
        "keras": ["3.15.1", "3.14"],
    }
    kinds = found.differences.index.get_level_values("kind").tolist()
    assert kinds[:5] == ["flag", "flag", "run", "run", "version"]
    assert set(kinds[5:]) <= {"cost"}
    assert ("flag", "same") in found.equal.index
    assert ("version", "numpy") in found.equal.index


def test_metrics_stand_side_by_side_with_the_best(two: tuple[Path, Path]) -> None:
    found = compare_runs(*two)
    rows = {(at, name): (list(values.values()), best) for at, name, values, best in found.ranked_metrics()}
    assert rows == {
        ("best epoch", "val_loss"): ([1.0, 0.5], ["trial 1"]),
        ("best epoch", "accuracy"): ([0.4, 0.6], ["trial 1"]),
        ("last epoch", "val_loss"): ([1.0, 0.75], ["trial 1"]),
        ("last epoch", "accuracy"): ([0.4, 0.7], ["trial 1"]),
        ("evaluation", "loss"): ([0.25, 0.5], ["trial 0"]),
        ("evaluation", "odd"): ([1.0, 1.0], []),
    }
    assert "odd" not in found.goals


def test_another_metric_can_choose_the_best_epoch(two: tuple[Path, Path]) -> None:
    found = compare_runs(*two, metric="accuracy", goal="max")
    assert found.metrics.loc[("best epoch", "val_loss")].tolist() == [2.0, 0.75]
    assert found.goals["accuracy"] == "max"


def test_a_missing_number_and_nan_are_never_the_best(make_run: MakeRun) -> None:
    runs = [make_run({"loss": value}) for value in (float("nan"), 1.0)] + [
        make_run({"loss": 1.0}),
        make_run(),
    ]
    (_, _, values, best), *_ = compare_runs(*runs).ranked_metrics()
    assert best == [runs[1].name, runs[2].name]
    assert list(values.values())[3] is pd.NA


def test_the_same_source_is_compared_once(make_run: MakeRun) -> None:
    runs = [
        with_source(make_run(), train="a = 1\nb = 2\n", data="x = 1\n"),
        with_source(make_run(), train="a = 1\nb = 2\n", data="x = 1\n"),
        with_source(make_run(), train="a = 1\nb = 3\n", data="x = 1\n"),
        with_source(make_run(), train="a = 1\nb = 2\n"),
    ]
    found = compare_runs(*runs).sources
    names = [run.name for run in runs]
    assert [(item.first, item.second, item.file) for item in found] == [
        (names[0], names[2], "train.py"),
        (names[0], names[3], "data.py"),
        (names[2], names[3], "data.py"),
        (names[2], names[3], "train.py"),
    ]
    assert found[0].lines == ("@@ -1,2 +1,2 @@", " a = 1", "-b = 2", "+b = 3")
    assert found[1].lines == ("@@ -1 +0,0 @@", "-x = 1")


def test_many_sources_are_compared_with_the_first(make_run: MakeRun) -> None:
    runs = [with_source(make_run(), train=f"a = {number}\n") for number in range(7)]
    assert len(compare_runs(*runs[:6]).sources) == PAIRS
    found = compare_runs(*runs).sources
    assert [item.first for item in found] == [runs[0].name] * 6


def test_bytes_that_only_differ_in_line_ends_are_told(make_run: MakeRun) -> None:
    runs = [with_source(make_run(), train=text) for text in ("a\n", "a\r\n")]
    (item,) = compare_runs(*runs).sources
    assert item.lines == ("(the same lines; line ends or bytes that aren't UTF-8 differ)",)


def test_runs_can_be_named_in_any_way(two: tuple[Path, Path]) -> None:
    by_table = compare_runs(leaderboard("runs/s"))
    assert list(by_table.runs) == ["trial 1", "trial 0"]
    assert list(compare_runs(two[1].name, two[0]).runs) == ["trial 1", "trial 0"]


def test_what_cant_be_compared_is_an_error(two: tuple[Path, Path]) -> None:
    with pytest.raises(ResultsError, match=r"^a comparison needs at least two runs, but got 1$"):
        compare_runs(two[0])
    with pytest.raises(ResultsError, match=r"^each run can be compared once, but .* is named twice$"):
        compare_runs(two[0], two[1], two[0].resolve())
    with pytest.raises(ResultsError, match=r"^one run is wanted, but 's' is a study of 2$"):
        compare_runs("s", two[0])
    with pytest.raises(ResultsError, match=r"^unknown metric 'los'"):
        compare_runs(*two, metric="los")


def test_the_terminal_shows_what_differs_first(
    two: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    with_source(two[0], train="a = '\x1b[2J'\n")
    with_source(two[1], train="b = 1\n")
    assert main(["compare", *map(str, two)]) == 0
    out = capsys.readouterr().out
    assert out.index("nodes") < out.index("The same in all: ") < out.index("metrics") < out.index("train.py")
    assert "\nflag          nodes" in out
    assert "best epoch  val_loss  1        0.5*\n" in out
    assert "-a = '\\x1b[2J'\n+b = 1\n" in out
    assert "\x1b" not in out


def test_the_command_writes_a_page(two: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", *map(str, two), "--html"]) == 0
    assert capsys.readouterr().out == "runs/s/compare.html\n"
    assert view_comparison(*two, output="x.html") == Path("x.html")
    assert main(["compare", str(two[0]), "nowhere"]) == 2
    assert "unknown run or study 'nowhere'" in capsys.readouterr().err
    assert main(["compare", *map(str, two), "--output", "y.html"]) == 2
    assert capsys.readouterr().err == "gridruns: --output needs --html, but got only 'y.html'\n"


def test_more_runs_than_colours_stay_apart() -> None:
    runs = {f"r{place:02}": Run(Path(f"r{place}"), epochs=(Epoch(1, {"loss": 1.0}),)) for place in range(35)}
    drawn = metric_figure(all_curves(runs), "loss").to_plotly_json()["data"]
    looks = {(trace["line"]["color"], trace["marker"]["symbol"]) for trace in drawn}
    assert len(looks) == len(drawn) == 35
