"""A run again: equal or not, and why not."""

import json
from pathlib import Path

import pytest

from results import ls_runs
from results.files import read_json, write_json
from results.notes import read_notes
from search import rerun, training_run, tuning_run
from search.cli import main
from search.rerunning import RerunError
from tests.search.support import Write

SCRIPT = """
    import random
    from helper import scale
    from results import log_metrics
    from spaces import flag_integer, flag_numeric, flags
    FLAGS = flags(flag_integer("a", 1), flag_numeric("lr", 0.1))
    for step in range(1, 4):
        log_metrics(step, val_loss=scale(random.random()) / 7 + FLAGS.a + FLAGS.lr, odd=float("nan"))
"""


@pytest.fixture
def script(write: Write, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    write("def scale(x):\n    return x * 3\n", "helper.py")
    monkeypatch.chdir(tmp_path)
    return write(SCRIPT)


def a_run(script: Path) -> Path:
    return Path(str(training_run(script, {"a": 3, "lr": 0.1 + 0.2}, seed=5, quiet=True)["run_dir"].iloc[0]))


def test_a_run_comes_out_equal_though_its_script_has_changed(script: Path) -> None:
    run = a_run(script)
    script.write_text("raise SystemExit(3)")
    result = rerun(run.name, quiet=True)
    assert result.equal
    assert (result.compared, result.differences, result.surroundings) == (6, (), ())
    again = result.run.iloc[0]
    assert (again["flag_a"], again["flag_lr"], again["seed"]) == (3, 0.1 + 0.2, 5)
    assert read_notes(str(again["run_dir"])).note == f"rerun of {run.as_posix()}"
    assert rerun(result.run, quiet=True).equal


def test_a_run_of_a_study_comes_out_equal(script: Path) -> None:
    runs = tuning_run(script, {"a": [1, 2]}, sample=1.0, study="s", steps_per_execution=8, quiet=True)
    result = rerun(runs.iloc[0], quiet=True)
    assert result.equal
    assert read_json(Path("runs/s/study.json"))["execution"]["steps_per_execution"] == 8  # type: ignore[index]
    for run in (runs.iloc[0], result.run.iloc[0]):
        assert read_json(Path(run["run_dir"]) / "run.json")["steps_per_execution"] == 8  # type: ignore[index]
    assert result.surroundings == ()
    assert Path(str(result.run["run_dir"].iloc[0])).parent == Path("runs")


def test_what_differs_is_named(script: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = a_run(script)
    record = json.loads((run / "run.json").read_text())
    record["versions"]["numpy"] = "0.9"
    del record["versions"]["keras"]
    write_json(run / "run.json", {**record, "host": "far"})
    lines = (run / "metrics.jsonl").read_text().splitlines()
    second = json.loads(lines[1])
    value = second["metrics"]["val_loss"]
    second["metrics"]["val_loss"] = value + 1e-15
    (run / "metrics.jsonl").write_text("\n".join([lines[0], json.dumps(second)]) + "\n")
    with (run / "source" / "train.py").open("a") as file:
        file.write("# touched\n")
    assert main(["rerun", str(run), "--quiet"]) == 1
    shown = capsys.readouterr().out
    assert f"  val_loss at step 2: {value + 1e-15!r} before, {value!r} now\n" in shown
    assert "  1 more steps, from step 3\n" in shown
    assert "  numpy: 0.9 before, " in shown
    assert "  keras: not there before, " in shown
    assert "  source: train.py isn't what was recorded with the run\n" in shown
    assert "  host: far before, " in shown


def test_of_a_run_that_was_cut_off_what_there_is_is_compared(script: Path) -> None:
    run = a_run(script)
    first = (run / "metrics.jsonl").read_text().splitlines()[0]
    (run / "metrics.jsonl").write_text(first + "\n")
    outcome = json.loads((run / "outcome.json").read_text())
    write_json(run / "outcome.json", {**outcome, "status": "pruned"})
    result = rerun(run, quiet=True)
    assert result.equal
    assert result.compared == 2
    assert result.surroundings == ("status: pruned before, completed now",)


def test_a_run_without_source_or_seed_is_refused(script: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = a_run(script)
    record = json.loads((run / "run.json").read_text())
    write_json(run / "run.json", {**record, "seed": None})
    with pytest.raises(RerunError, match=r"can't be run again: run\.json has no flags or no seed"):
        rerun(run)
    (run / "source" / "train.py").unlink()
    assert main(["rerun", run.name]) == 2
    assert "source/train.py' isn't archived" in capsys.readouterr().err
    assert len(ls_runs()) == 1
