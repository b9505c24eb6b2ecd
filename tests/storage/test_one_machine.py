"""A study in a database: what stands there is what the run directories say."""

import socket
from pathlib import Path
from typing import Any

import pytest
from optuna.samplers import RandomSampler
from optuna.trial import TrialState

from gridruns import GridrunsError
from results import layout, leaderboard
from search import confirm, resume, tuning_run
from tests.storage.support import opened, record, trials

GRID = {"a": [1, 2, 3], "b": [1, 2]}
SCRIPT = """
import os, signal
from results import log_metrics
from spaces import flag_integer, flag_numeric, flags
FLAGS = flags(flag_integer("a", 1), flag_integer("b", 1), flag_numeric("lr", 0.1))
if FLAGS.a == 3 and os.path.exists("broken"):
    raise ValueError("broken")
for epoch in (1, 2, 3):
    log_metrics(epoch, val_loss=FLAGS.a * FLAGS.b * FLAGS.lr + epoch / 100, size=FLAGS.b)
"""


@pytest.fixture
def database(folder: Path, tmp_path: Path) -> str:
    Path("train.py").write_text(SCRIPT)
    return f"sqlite:///{tmp_path}/studies.db"


def tune(url: str | None, flags: Any = None, **asked: Any) -> Any:
    given: dict[str, Any] = {"study": "s", "seed": 3, "executor": "inline", "quiet": True} | asked
    return tuning_run("train.py", GRID if flags is None else flags, storage=url, **given)


class Broken(RandomSampler):
    """A sampler of the user's with a mistake in it."""

    def sample_independent(self, *arguments: Any, **named: Any) -> Any:
        raise ZeroDivisionError("of the user's")


def test_a_sampler_that_raises_is_one_line(database: str) -> None:
    with pytest.raises(GridrunsError, match=r"^the sampler Broken raised ZeroDivisionError: of the user's$"):
        tune(database, sampler=Broken())


def test_a_dashboard_sees_what_the_leaderboard_says(url: str, folder: Path) -> None:
    Path("train.py").write_text(SCRIPT)
    Path("broken").touch()
    runs = tune(url, executor="local", workers=2).sort_values("number")
    assert list(runs["status"]).count("failed") == 2
    there = trials(url)
    assert len(there) == 6
    for trial, (_, run) in zip(there, runs.iterrows(), strict=True):
        assert trial.params == {"a": str(run["flag_a"]), "b": str(run["flag_b"])}
        assert trial.state is (TrialState.FAIL if run["status"] == "failed" else TrialState.COMPLETE)
        assert trial.values == (None if run["status"] == "failed" else [run["best_val_loss"]])
        assert trial.user_attrs == {
            "number": run["number"],
            "seed": run["seed"],
            "host": socket.gethostname(),
            "run": Path(run["run_dir"]).name,
            "status": run["status"],
        }
        assert trial.intermediate_values == {}
        assert trial.datetime_start is not None
        assert trial.datetime_complete is not None
    with opened(url) as study:
        assert study is not None
        assert study.metric_names == ["val_loss"]
        assert study.best_trial.params == {"a": "1", "b": "1"}
        assert study.user_attrs == {"script": "train.py", "seed": 3}


def test_the_same_points_seeds_and_values_as_without(database: str) -> None:
    columns = ["number", "seed", "flag_a", "flag_b", "best_val_loss"]
    for sampler in ("grid", "tpe", "cmaes", "keras-tuner:random"):
        flags = {"a": [1, 2, 3], "b": [1, 2, 3, 4]}
        asked = {"sampler": sampler, "trials": 8}
        with_it = tune(database, flags, study=f"with-{sampler[:4]}", **asked)
        without = tune(None, flags, study=f"without-{sampler[:4]}", **asked)
        assert with_it[columns].to_dict("list") == without[columns].to_dict("list"), sampler


def test_a_study_that_began_without_a_database_gets_one(database: str, folder: Path) -> None:
    tune(None, trials=3)
    Path(leaderboard("runs/s")["run_dir"].iloc[0], layout.OUTCOME).unlink()  # as if it had been cut off
    assert len(resume("s", storage=database, quiet=True)) == 4
    assert [trial.state for trial in trials(database)] == [TrialState.COMPLETE] * 3
    assert record()["storage"] == database
    assert len(tune(None)) == 7  # the study remembers it
    assert len(trials(database)) == 6
    tune("none", {"a": [1, 2, 3, 4], "b": [1, 2]}, extend=True)
    assert record()["storage"] is None
    assert len(trials(database)) == 6


def test_a_new_database_is_brought_up_to_date(database: str, tmp_path: Path) -> None:
    runs = tune(database)
    (tmp_path / "studies.db").unlink()
    assert len(resume("s", quiet=True)) == 6
    there = trials(database)
    assert sorted(trial.values[0] for trial in there) == sorted(runs["best_val_loss"])
    assert sorted(trial.user_attrs["seed"] for trial in there) == sorted(runs["seed"])


def test_failed_points_are_run_again_where_that_is_asked_for(database: str) -> None:
    Path("broken").touch()
    tune(database)
    Path("broken").unlink()
    assert len(resume("s", quiet=True)) == 6
    assert len(resume("s", rerun="failed", quiet=True)) == 8
    states = [trial.state for trial in trials(database)]
    assert (states.count(TrialState.COMPLETE), states.count(TrialState.FAIL)) == (6, 2)
    assert len(resume("s", quiet=True)) == 8


# The first run of a point fails.
ONCE = """
if FLAGS.a == 1 and os.path.exists("once"):
    os.remove("once")
    raise ValueError("once")
"""


def test_failed_repeats_are_run_again_as_without_a_database(database: str, tmp_path: Path) -> None:
    Path("train.py").write_text(SCRIPT.replace("for epoch", f"{ONCE}for epoch"))
    for url in (None, database):
        name = f"s{url is None:d}"
        Path("broken").touch()
        Path("once").touch()
        tune(url, {"a": [1, 2, 3]}, study=name, repeats=2)
        Path("broken").unlink()
        assert len(resume(name, quiet=True)) == 6
        assert len(resume(name, rerun="failed", quiet=True)) == 6 + 1 + 2
        assert len(resume(name, quiet=True)) == 6 + 1 + 2
    states = [trial.state for trial in trials(database, name)]
    assert (states.count(TrialState.COMPLETE), states.count(TrialState.FAIL)) == (4, 1)
    (tmp_path / "studies.db").unlink()
    for _ in range(2):
        assert len(resume(name, quiet=True)) == 6 + 1 + 2
        assert [trial.state for trial in trials(database, name)] == [TrialState.COMPLETE] * 3


def test_failed_repeats_of_a_database_that_was_written_anew_are_run_again(
    database: str, tmp_path: Path
) -> None:
    Path("train.py").write_text(SCRIPT.replace("for epoch", f"{ONCE}for epoch"))
    Path("once").touch()
    tune(database, {"a": [1, 2]}, repeats=2)
    (tmp_path / "studies.db").unlink()
    assert len(resume("s", quiet=True)) == 4
    assert len(resume("s", rerun="failed", quiet=True)) == 4 + 1


def test_repeats_several_metrics_and_duplicates(database: str) -> None:
    tune(database, {"a": [1, 2]}, study="r", repeats=3)
    there = trials(database, "r")
    assert [len(trial.user_attrs["run"]) for trial in there] == [3, 3]
    assert [len(set(trial.user_attrs["seed"])) for trial in there] == [3, 3]
    tune(database, study="m", metric=["val_loss", "size:max"])
    assert {len(trial.values) for trial in trials(database, "m")} == {2}
    asked = {"flags": {"a": [1, 2]}, "study": "d", "sampler": "random", "allow_duplicates": True}
    tune(database, trials=5, **asked)
    assert len(trials(database, "d")) == 5
    assert len(tune(database, trials=7, **asked)) == 7


def test_curves_are_written_where_a_pruner_reads_them(database: str) -> None:
    runs = tune(database, pruner="asha:min_resource=1,reduction_factor=2")
    there = trials(database)
    assert there[0].intermediate_values.keys() == {1, 2, 3}
    pruned = sum(trial.state is TrialState.PRUNED for trial in there)
    assert pruned == sum(runs["status"] == "pruned") > 0


def test_a_confirmation_is_not_in_the_database(database: str) -> None:
    tune(database)
    confirm("s", top=2, seeds=2, quiet=True)
    assert record("runs/s-confirm")["storage"] is None
    with opened(database, "s-confirm") as there:
        assert there is None


def test_a_study_of_another_program_is_refused(database: str) -> None:
    tune(database, {"a": [1]}, study="ours")
    with opened(database, "ours") as there:
        assert there is not None
        theirs = there._storage.create_new_study(there.directions, "theirs")
        # As a search leaves it that is killed before it could say what the study is.
        there._storage.create_new_study(there.directions, "begun")
        there._storage.create_new_trial(theirs)
    with pytest.raises(GridrunsError, match="'theirs' in the database wasn't made by gridruns"):
        tune(database, study="theirs")
    assert not Path("runs/theirs").exists()
    tune(database, study="begun")
    assert len(trials(database, "begun")) == 6


TAKEN_FOR_DEAD = """
from results import log_metrics, run_dir
from results.runs import finish_run
from results.status import Status
from spaces import flag_integer, flags
FLAGS = flags(flag_integer("a", 1))
finish_run(run_dir(), status=Status.INTERRUPTED, reason="its search was killed")  # says another machine
log_metrics(1, val_loss=FLAGS.a)
"""


def test_a_run_that_was_taken_for_cut_off_has_its_own_end(database: str) -> None:
    Path("train.py").write_text(TAKEN_FOR_DEAD)
    assert set(tune(database, {"a": [1, 2, 3]})["status"]) == {"completed"}
    assert [trial.state for trial in trials(database)] == [TrialState.COMPLETE] * 3


def test_a_machine_whose_first_trials_fail_goes_on_where_another_has_had_a_value(database: str) -> None:
    Path("train.py").write_text(SCRIPT.replace("FLAGS.a == 3", "FLAGS.b > 1"))
    Path("broken").touch()
    asked = {"flags": {"a": [1], "b": [1, 2, 3, 4]}, "order": "grid"}
    assert list(tune(database, trials=1, runs_dir="one", **asked)["status"]) == ["completed"]
    assert list(tune(database, runs_dir="two", **asked)["status"]) == ["failed"] * 3


def test_a_study_that_another_machine_has_finished_is_finished(database: str) -> None:
    older = tune(None, {"a": [1]}, study="older")
    Path(older["run_dir"].iloc[0], layout.OUTCOME).unlink()  # as if it had been cut off
    tune(database, runs_dir="one")
    assert len(tune(database)) == 0  # nothing is left to do here
    resume(quiet=True)
    assert len(leaderboard("runs/older")) == 2
    with pytest.raises(GridrunsError, match="there is no unfinished study"):
        resume(quiet=True)
