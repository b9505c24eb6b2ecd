"""`confirm`: the best points again with new seeds that they share, whatever interrupts it."""

import json
import random
import re
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

import optuna
import pandas as pd
import pytest

import search
from gridruns import GridrunsError
from results import leaderboard, points
from results.confirmation import Confirmation, confirmation
from results.run import read_run
from results.runs import find_runs
from search import confirm, resume, tuning_run
from search.cli import main
from search.study import StudyError, derived_seed
from tests.search.support import Write

SCRIPT = """
    import os, random
    from results import log_metrics
    from spaces import flag_integer, flag_string, flags
    FLAGS = flags(flag_integer("a", 1), flag_integer("b", 7), flag_string("kind", "x"))
    if os.path.exists("stop") and FLAGS.a == 2:
        os.kill(os.getpid(), 9)
    log_metrics(1, val_loss=FLAGS.a / 10 + random.random() / 100, accuracy=1 - FLAGS.a / 10)
"""
GRID = {"a": [1, 2, 3, 4], "kind": ["x", "y"]}


@pytest.fixture
def script(write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return write(SCRIPT)


@pytest.fixture
def searched(script: Path) -> pd.DataFrame:
    return tune(script)


def tune(script: Path, flags: Any = None, **asked: Any) -> pd.DataFrame:
    settings: dict[str, Any] = {"study": "s", "seed": 3, "workers": 2, "quiet": True, **asked}
    return tuning_run(script, GRID if flags is None else flags, **settings)


def again(study: str | None = "s", **asked: Any) -> Confirmation:
    settings: dict[str, Any] = {"top": 3, "seeds": 4, "quiet": True, **asked}
    return confirm(study, **settings)


def runs(study: str = "s-confirm") -> pd.DataFrame:
    return leaderboard(Path("runs") / study)


def value(a: int, seed: int) -> float:
    """What the script logs: a trial's seed is set before the script starts."""
    return a / 10 + random.Random(seed).random() / 100


def new_seeds(count: int, search_seed: int = 3) -> list[int]:
    return [derived_seed(derived_seed(search_seed, "confirm"), f"repeat {repeat}") for repeat in range(count)]


def cut_off(study: str, places: list[int]) -> None:
    """Take the outcome from runs, as if the search had been killed while they ran."""
    paths = find_runs(Path("runs") / study)
    for place in places:
        (paths[place] / "outcome.json").unlink()


def unordered(table: pd.DataFrame) -> pd.DataFrame:
    """A confirmation's points by their flags: of equal ones either may come first."""
    return table.sort_values(["flag_a", "flag_kind"], ignore_index=True).drop(columns=["rank", "p_value"])


def test_the_best_points_are_run_again_with_new_seeds_that_they_share(searched: pd.DataFrame) -> None:
    found = again()
    best = points("runs/s").head(3)
    seeds = new_seeds(4)
    assert sorted(found.seeds) == sorted(seeds)
    assert set(seeds).isdisjoint(searched["seed"])
    assert (found.metric, found.goal, found.incomplete) == ("val_loss", "min", 0)
    assert set(zip(found.table["flag_a"], found.table["flag_kind"], strict=True)) == set(
        zip(best["flag_a"], best["flag_kind"], strict=True)
    )
    for row in found.table.to_dict("records"):
        expected = [value(row["flag_a"], seed) for seed in sorted(seeds)]
        assert row["values"] == tuple(expected)
        assert row["mean_val_loss"] == pytest.approx(statistics.fmean(expected), rel=1e-12)
        own = searched[(searched["flag_a"] == row["flag_a"]) & (searched["flag_kind"] == row["flag_kind"])]
        assert row["searched_val_loss"] == own["best_val_loss"].iloc[0]
    assert list(found.table["rank"]) == [1, 2, 3]
    # a = 1 with either kind has the same numbers under common seeds; a = 2 is surely worse.
    assert found.tied == [2]
    assert list(found.table["probability_best"]) == [0.5, 0.5, 0]
    assert len(runs()) == 12
    assert len(runs("s")) == 8


def test_a_confirmation_again_has_nothing_to_do(searched: pd.DataFrame) -> None:
    first = again()
    before = set(runs()["run_dir"])
    assert again(seeds=None).verdict() == first.verdict()
    assert set(runs()["run_dir"]) == before
    assert not Path("runs/s-confirm/study.1.json").exists()
    assert list(resume("s-confirm", quiet=True)["run_dir"]) == list(runs()["run_dir"])


@pytest.mark.parametrize("go_on", ["confirm", "resume"])
@pytest.mark.parametrize("places", [[0], [11], [3, 4, 7], list(range(12))])
def test_one_that_was_cut_off_goes_on_to_the_same_numbers(
    searched: pd.DataFrame, places: list[int], go_on: str
) -> None:
    whole = again()
    cut_off("s-confirm", places)
    if go_on == "confirm":
        again(top=1, seeds=None)
    else:
        resume("s-confirm", quiet=True)
    found = confirmation("runs/s")
    pd.testing.assert_frame_equal(unordered(found.table), unordered(whole.table), check_exact=True)
    assert sorted(runs()["status"]) == ["completed"] * 12 + ["interrupted"] * len(places)


def test_points_that_fail_are_left_out_until_they_are_run_again(searched: pd.DataFrame) -> None:
    Path("stop").touch()
    found = again(retries=0, keep_going=True)
    assert (list(found.table["flag_a"]), found.incomplete) == ([1, 1], 1)
    Path("stop").unlink()
    resume("s-confirm", rerun="killed", quiet=True)
    assert list(confirmation("runs/s").table["flag_a"]) == [1, 1, 2]


def test_it_grows_in_seeds_and_in_points(searched: pd.DataFrame) -> None:
    again(top=2, seeds=2)
    before = set(runs()["run_dir"])
    assert sorted(again(top=2, seeds=4).seeds) == sorted(new_seeds(4))
    assert len(runs()) == 8
    found = again(top=3, seeds=None)
    assert len(found.table) == 3 and len(found.seeds) == 4
    assert before < set(runs()["run_dir"])
    assert len(runs()) == 12
    assert runs()["number"].is_unique


def test_points_that_are_among_the_best_by_now_are_added(script: Path) -> None:
    tune(script, {"a": [3, 4], "kind": ["x"]})
    assert set(again(top=1, seeds=2).table["flag_a"]) == {3}
    tune(script, {"a": [1, 2, 3, 4], "kind": ["x"]}, extend=True)
    assert set(again(top=1, seeds=2).table["flag_a"]) == {1, 3}
    assert len(runs()) == 4


def test_the_space_of_an_earlier_search_of_the_study_counts_too(script: Path) -> None:
    tune(script, {"b": [1, 2]}, arguments=["--a", "1"])
    tune(script, {"a": [2, 3]}, extend=True)
    found = again(top=4, seeds=2)
    assert sorted(zip(found.table["flag_a"], found.table["flag_b"], strict=True)) == [
        (1, 1),
        (1, 2),
        (2, 7),
        (3, 7),
    ]
    assert found.table["searched_val_loss"].notna().all()


def test_flags_that_do_not_apply_come_out_the_same(script: Path) -> None:
    space = {"kind": ["x", "y"], "a": {"values": [1, 2], "only": "kind == 'x'"}}
    tune(script, space)
    known = {json.dumps(dict(run.flags)): run.inactive for run in map(read_run, find_runs(Path("runs/s")))}
    assert sorted(map(sorted, known.values())) == [[], [], ["a"]]
    found = again(top=3, seeds=2)
    assert len(found.table) == 3
    assert found.table["searched_val_loss"].notna().all()
    for run in map(read_run, find_runs(Path("runs/s-confirm"))):
        assert run.inactive == known[json.dumps(dict(run.flags))]
    cut_off("s-confirm", [0, 5])
    resume("s-confirm", quiet=True)
    again(top=3, seeds=3)
    for run in map(read_run, find_runs(Path("runs/s-confirm"))):
        assert run.inactive == known[json.dumps(dict(run.flags))]
    assert runs()["flag_a"].isna().sum() == runs()["flag_kind"].eq("y").sum()


def test_fewer_points_than_asked_for_are_all_taken_and_it_says_so(
    searched: pd.DataFrame, capsys: pytest.CaptureFixture[str]
) -> None:
    assert len(again(top=20, seeds=2, quiet=False).table) == 8
    assert "8 points completed, fewer than the 20 asked for" in capsys.readouterr().out


def test_the_latest_search_is_meant_and_no_confirmation(searched: pd.DataFrame, script: Path) -> None:
    tune(script, study="t", trials=3)
    again("s", top=2, seeds=2)
    found = again(None, top=2, seeds=2)
    assert found.study == Path("runs/t")
    assert not Path("runs/s-confirm-confirm").exists()


def test_metrics_and_settings_are_those_of_the_search(script: Path) -> None:
    tune(script, metric=["accuracy:max", "val_loss:min"], trial_timeout="5m", timeout="10m")
    found = again(top=2, seeds=2)
    assert (found.metric, found.goal) == ("accuracy", "max")
    said = json.loads(Path("runs/s-confirm/study.json").read_text())
    assert said["also"] == [{"name": "val_loss", "goal": "min"}]
    assert said["execution"]["trial_timeout"] == "5m"
    assert said["execution"]["timeout"] is None


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"top": 0}, "top must be at least 1, but got 0"),
        ({"seeds": 1}, "seeds must be at least 2, since one has no interval, but got 1"),
        ({"seeds": 2.0}, "seeds must be a whole number of at least 1, but got 2.0"),
        ({"study": "nothing"}, "there is no study 'nothing' in 'runs'"),
    ],
)
def test_what_cannot_be_confirmed_is_one_line(
    searched: pd.DataFrame, asked: dict[str, Any], message: str
) -> None:
    with pytest.raises(GridrunsError, match=message):
        again(**asked)
    assert not Path("runs/s-confirm").exists()


def test_what_does_not_fit_what_is_there_is_refused(searched: pd.DataFrame, write: Write) -> None:
    again(top=2, seeds=3)
    with pytest.raises(StudyError, match="study 's-confirm' has 3 seeds already, but got 2"):
        again(top=2, seeds=2)
    with pytest.raises(StudyError, match="is a confirmation itself: `gridruns confirm s` continues it"):
        again("s-confirm")
    write(SCRIPT + "\n    print(1)\n")
    with pytest.raises(StudyError, match="'s' can't be confirmed: the script or a local module has changed"):
        again()


def test_a_search_without_a_completed_run_has_nothing_to_confirm(searched: pd.DataFrame) -> None:
    cut_off("s", list(range(8)))
    with pytest.raises(GridrunsError, match="no run in 'runs/s' has completed with a value of val_loss"):
        again()
    assert not Path("runs/s-confirm").exists()


def gridruns(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "gridruns", *arguments], capture_output=True, text=True, check=False
    )


def test_the_commands_of_the_page_run(script: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = Path(__file__).parents[2] / "docs" / "confirming.md"
    commands = [
        line.split()[1:] for line in page.read_text().splitlines() if line.startswith("    gridruns ")
    ]
    assert len(commands) >= 3
    tune(script, study="my-study", executor="inline", workers=1)
    for command in commands:
        assert main(command) == 0, command
        assert "probability" in capsys.readouterr().out
    code = re.search(r"`(found = search\.confirm\(.*?\))`", page.read_text())
    assert code is not None
    scope: dict[str, Any] = {"search": search}
    exec(code[1], scope)
    assert scope["found"].verdict() == confirmation(Path("runs/my-study")).verdict()


def test_the_search_may_have_had_objects(script: Path) -> None:
    tune(script, sampler=optuna.samplers.RandomSampler(seed=1), pruner=optuna.pruners.MedianPruner())
    assert len(again(top=2).table) == 2


def test_the_command_prints_the_table_and_what_it_means(searched: pd.DataFrame) -> None:
    done = gridruns("confirm", "--top", "3", "--seeds", "4")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("3 of 3 combinations (100.0%), each 4 times")
    head = next(place for place, line in enumerate(lines) if line.startswith("rank"))
    assert "mean_val_loss  95% interval" in lines[head]
    assert "probability best" in lines[head]
    seeds = new_seeds(4)
    assert lines[head + 1].split()[:2] == ["1", f"{statistics.fmean(value(1, seed) for seed in seeds):.5g}"]
    assert lines[-2].startswith("The first can't be told from number 2 with 4 seeds (p >= 0.05): ")
    assert lines[-1].startswith("The search's best val_loss was ")
    shown = gridruns("confirm", "s", "--show")
    assert shown.stdout.splitlines()[-5:] == lines[-5:]


def test_the_command_writes_json(searched: pd.DataFrame) -> None:
    done = gridruns("confirm", "--top", "2", "--seeds", "3", "--json")
    said = json.loads(done.stdout)
    assert (said["metric"], said["goal"], said["tied"], said["incomplete"]) == ("val_loss", "min", [2], 0)
    first, second = said["points"]
    assert sorted(first["seeds"]) == sorted(new_seeds(3)) and first["p_value"] is None
    assert second["p_value"] == 1
    assert first["values"] == [value(1, seed) for seed in sorted(new_seeds(3))]
    assert json.loads(gridruns("confirm", "s", "--show", "--json").stdout) == said


def test_nothing_to_show_is_one_line(searched: pd.DataFrame) -> None:
    done = gridruns("confirm", "s", "--show")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "gridruns: study 's' hasn't been confirmed: `gridruns confirm s` does it\n"
    assert not Path("runs/s-confirm").exists()


def test_points_are_shown_where_they_were_repeated(script: Path) -> None:
    done = gridruns("tune", str(script), "--set", "a=1,2", "--repeats", "3", "--seed", "3", "--study", "r")
    assert done.returncode == 0, done.stderr
    assert "The best 2 of 2 points, 3 runs each:" in done.stdout
    lines = done.stdout.splitlines()
    head = next(place for place, line in enumerate(lines) if line.startswith("rank"))
    assert lines[head].split() == ["rank", "mean_val_loss", "se_val_loss", "runs", "a"]
    best = points("runs/r").iloc[0]
    expected = ["1", f"{best['mean_val_loss']:.5g}", f"{best['se_val_loss']:.5g}", "3", "1"]
    assert lines[head + 1].split() == expected


def test_the_front_is_listed_first(script: Path) -> None:
    metrics = ("--metric", "val_loss:min", "--metric", "accuracy:max")
    done = gridruns("tune", str(script), "--set", "a=1,2", *metrics, "--seed", "3", "--study", "r")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    start = lines.index("The Pareto front: 1 of 2 runs:")
    assert lines[start + 2].split()[:5] == ["rank", "pareto", "status", "best_val_loss", "best_accuracy"]
    assert lines.index("The best 2 of 2 runs:") > start
