"""Models that are kept, evaluated, and fitted again where they weren't."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from textwrap import dedent
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from results import evaluate_run, layout, leaderboard, ls_runs, predicting, view_evaluation
from results.errors import ResultsError
from results.files import read_json
from results.kept import HeldOut, can_be_evaluated, read_held_out, write_held_out
from results.predicting import ask_model
from results.run import read_run
from results.runs import create_run
from results.status import Status
from search import evaluate, training_run, tuning_run
from search.cli import main
from search.evaluating import EvaluatingError
from tests.search.support import Write

SCRIPT = dedent("""
    import keras
    import numpy as np
    from keras import layers
    from spaces import flag_string, flags

    FLAGS = flags(flag_string("kind", "plain", choices=["plain", "code", "binary"]))
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 120)
    x = rng.random((120, 64), dtype="float32") + y[:, None] * 0.2
    middle = layers.Lambda(lambda values: values * 2) if FLAGS.kind == "code" else layers.Dropout(0.1)
    last, loss, more = layers.Dense(3, activation="softmax"), "sparse_categorical_crossentropy", []
    if FLAGS.kind == "binary":
        y = (y > 0).reshape(-1, 1)
        last, loss = layers.Dense(1), keras.losses.BinaryCrossentropy(from_logits=True)
        more = [keras.metrics.F1Score(threshold=0.5)]  # its value is a vector
    model = keras.Sequential([keras.Input((64,)), middle, last])
    model.compile(optimizer="adam", loss=loss, metrics=["accuracy", *more])
    model.fit(x[:80], y[:80], epochs=2, validation_split=0.2, verbose=0)
    model.evaluate(x[:80], y[:80], verbose=0)
    model.evaluate(x[80:], y[80:], batch_size=7, verbose=0)
""")

ASK_ALL = """
import pathlib, sys
from results.predicting import main
for folder in sorted(pathlib.Path().glob("of-*")):
    sys.argv = ["", folder.name.removeprefix("of-"), folder.name]
    try:
        main()
    except SystemExit:
        pass
"""

WITHOUT_KERAS = """
    from pathlib import Path
    from results import log_metrics, write_run_metadata
    from spaces import flag_integer, flags
    FLAGS = flags(flag_integer("a", 1))
    log_metrics(1, val_loss=1.0)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of trials that kept their models: of three classes, with Python code in it, of two classes."""
    folder = tmp_path_factory.mktemp("evaluating")
    (folder / "train.py").write_text(SCRIPT)
    tuning_run(
        folder / "train.py", order="grid", study="s", seed=1, threads=1, save_model=True,
        runs_dir=folder / "runs", quiet=True,
    )  # fmt: skip
    return folder


def trial(folder: Path, kind: str) -> Path:
    runs = leaderboard(folder / "runs" / "s")
    return Path(str(runs.loc[runs["flag_kind"] == kind, "run_dir"].iloc[0]))


@pytest.mark.slow
def test_a_trial_that_kept_its_model_is_evaluated_on_the_last_data(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = trial(folder, "plain")
    assert read_json(run.parent / layout.STUDY)["execution"]["save_model"] is True  # type: ignore[index]
    found = evaluate_run(run)
    assert dict(found.metrics) == pytest.approx(dict(found.recorded))
    assert set(found.metrics) == {"loss", "accuracy"}
    assert len(found.predictions) == 40
    assert found.matrix.to_numpy().sum() == 40
    assert found.overall["accuracy"] == pytest.approx(found.metrics["accuracy"])
    assert len(found.mistakes) == (~found.predictions["correct"]).sum()
    assert found.mistakes["confidence"].is_monotonic_decreasing
    page = view_evaluation(found).read_text()
    assert page.count('<img src="data:image/png;base64,') == len(found.mistakes)
    # The command shows a person the same; it runs nothing again.
    monkeypatch.setattr("results.evaluation.evaluate_run", {run: found}.__getitem__)
    assert main(["evaluate", str(run)]) == 0
    shown = capsys.readouterr()
    assert shown.err == ""
    for words in ("recorded by the run)", "95% interval", "Cohen's kappa", "sensitivity", "confusions:"):
        assert words in shown.out


@pytest.mark.slow
def test_a_run_that_kept_nothing_is_run_again(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    original = trial(folder, "plain")
    first = tmp_path / "runs" / original.name
    shutil.copytree(original, first)
    (first / layout.MODEL).unlink()
    asked = ["evaluate", str(first), "--runs-dir", str(tmp_path / "runs")]
    assert main([*asked, "--json"]) == 0
    shown = capsys.readouterr()
    answer = json.loads(shown.out)
    assert f"run {first.name} kept no model, so it is run again; epochs: 2" in shown.err
    assert "came out equal to the last bit" in shown.err
    assert (answer["refit_of"], answer["refit_equal"]) == (first.as_posix(), True)
    assert (answer["samples"], len(answer["by_class"])) == (40, 3)
    assert answer["metrics"] == pytest.approx(answer["recorded"])
    assert answer["overall"]["accuracy"] == pytest.approx(answer["metrics"]["accuracy"])
    assert can_be_evaluated(Path(answer["run"]))
    assert len(list((tmp_path / "runs").iterdir())) == 2


@pytest.fixture(scope="module")
def said(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """What the process of a model says of several runs; one process, since TensorFlow takes seconds."""
    copies = tmp_path_factory.mktemp("said")
    kinds = {"torn": "plain", "beyond": "plain", "binary": "binary", "numbers": "binary", "code": "code"}
    for name, kind in kinds.items():
        shutil.copytree(trial(folder, kind), copies / name)
        (copies / f"of-{name}").mkdir()
    (copies / "torn" / layout.MODEL).write_bytes(b"torn")
    for name, wrong in [("beyond", 9.0), ("numbers", 0.5)]:
        held_out = read_held_out(copies / name)
        write_held_out(copies / name / layout.HELD_OUT, HeldOut(held_out.x, np.full(len(held_out.x), wrong)))
    subprocess.run([sys.executable, "-c", ASK_ALL], cwd=copies, check=True)
    found = {folder.name: read_json(folder / "found.json") for folder in copies.glob("of-*")}
    return {name.removeprefix("of-"): answer or {} for name, answer in found.items()}


@pytest.mark.slow
def test_a_model_that_holds_code_is_refused(said: dict[str, dict[str, Any]]) -> None:
    assert re.match("ValueError: .*[Ll]ambda", said["code"]["problem"])


@pytest.mark.slow
def test_a_damaged_model_is_an_error_in_one_line(said: dict[str, dict[str, Any]]) -> None:
    assert said["torn"]["problem"].startswith(("ValueError: ", "OSError: "))
    assert "\n" not in said["torn"]["problem"]


def test_what_the_process_of_a_model_says_names_the_run(tmp_path: Path) -> None:
    write_held_out(tmp_path / layout.HELD_OUT, HeldOut(np.zeros((2, 3)), np.zeros(1)))
    law = (
        rf"^the model of run {tmp_path.name} can't be evaluated: .* must hold as many samples x as y, [^\n]*$"
    )
    with pytest.raises(ResultsError, match=law):
        ask_model(tmp_path)


def test_a_model_compiled_for_many_steps_predicts_one_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_held_out(tmp_path / layout.HELD_OUT, HeldOut(np.zeros((2, 3)), np.zeros(2, int)))
    seen = []

    class Model:
        steps_per_execution = 64
        loss = None

        def predict(self, x: Any, **how: Any) -> Any:
            seen.append(self.steps_per_execution)
            return np.array([[0.75, 0.25], [0.5, 0.5]])

        def evaluate(self, x: Any, y: Any, **how: Any) -> dict[str, float]:
            return {"loss": 0.5}

    saving = SimpleNamespace(load_model=lambda path, safe_mode: Model())
    monkeypatch.setitem(sys.modules, "keras", SimpleNamespace(saving=saving))
    monkeypatch.setattr(sys, "argv", ["", str(tmp_path), str(tmp_path)])
    predicting.main()
    assert read_json(tmp_path / "found.json") == {"metrics": {"loss": 0.5}, "logits": False}
    assert seen == [1]


@pytest.mark.slow
def test_what_are_no_classes_is_said_before_keras_fails_over_it(said: dict[str, dict[str, Any]]) -> None:
    law = "y must be whole numbers in 0..{} for {} classes, but they are in [{}, {}]"
    assert said["beyond"]["problem"] == law.format(2, 3, 9, 9)
    assert said["numbers"]["problem"] == law.format(1, 2, 0.5, 0.5)


@pytest.mark.slow
def test_a_model_of_two_classes_has_one_output(folder: Path, said: dict[str, dict[str, Any]]) -> None:
    """And a metric that is no single number is left out, as it is of what a run records."""
    assert said["binary"]["logits"] is True
    recorded = read_run(trial(folder, "binary")).evaluation
    assert said["binary"]["metrics"] == pytest.approx(dict(recorded))
    assert set(recorded) == {"loss", "accuracy"}


@pytest.fixture
def make(write: Write, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A run of a script without Keras."""
    monkeypatch.chdir(tmp_path)
    return _run(write(WITHOUT_KERAS))


def _run(script: Path) -> Path:
    return Path(str(training_run(script, quiet=True)["run_dir"].iloc[0]))


def test_a_script_that_never_evaluates_names_no_held_out_set(make: Path) -> None:
    with pytest.raises(EvaluatingError, match=r"names its held-out set by calling model\.evaluate\(x, y\)"):
        evaluate(make)
    assert len(ls_runs()) == 1
    assert main(["evaluate", str(make)]) == 2


def test_a_run_that_still_runs_is_not_evaluated(make: Path, tmp_path: Path) -> None:
    run = create_run(tmp_path / "runs", {})
    (run / layout.MODEL).touch()
    write_held_out(run / layout.HELD_OUT, HeldOut(np.zeros((2, 3)), np.zeros(2)))
    assert read_run(run).status is Status.RUNNING
    for evaluation, error in ((evaluate, EvaluatingError), (evaluate_run, ResultsError)):
        with pytest.raises(error, match=f"^run {run.name} is still running$"):
            evaluation(run)


def test_results_alone_say_what_is_missing(make: Path) -> None:
    with pytest.raises(ResultsError, match=r"has no model\.keras and no held_out\.npz: train it"):
        evaluate_run(make)


def test_a_repetition_that_fails_is_named(
    make: Path, write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("once").touch()
    evaluated = 'write_run_metadata("evaluation", {"loss": 1.0})'
    run = _run(write(f"{WITHOUT_KERAS}    {evaluated}\n    Path('{Path('once').absolute()}').unlink()\n"))
    with pytest.raises(EvaluatingError, match=r"its repetition runs/.* ended as failed: FileNotFound"):
        evaluate(run)


def test_a_repetition_that_keeps_nothing_is_named(make: Path, write: Write) -> None:
    run = _run(write(WITHOUT_KERAS + '    write_run_metadata("evaluation", {"loss": 1.0})\n'))
    with pytest.raises(EvaluatingError, match=r"its script must call model\.evaluate\(x, y\)"):
        evaluate(run)


KEEPING = (
    WITHOUT_KERAS
    + """
    import numpy as np
    from results import run_dir
    from results.kept import HeldOut, write_held_out
    x, y = np.zeros((2, 3)), np.zeros(2)
    write_run_metadata("evaluation", {{"loss": 1.0}})
    {}
    """
)
MODEL, DATA = (
    '(run_dir() / "model.keras").touch()',
    "write_held_out(run_dir() / 'held_out.npz', HeldOut(x, y))",
)


@pytest.mark.parametrize("kept", [MODEL, DATA, "pass"])
def test_what_a_run_could_not_keep_is_not_tried_again(kept: str, make: Path, write: Write) -> None:
    """It called evaluate() with a tf.data.Dataset, say, or Keras couldn't save its model."""
    script = write(KEEPING.format(kept))
    run = Path(str(training_run(script, quiet=True, save_model=True)["run_dir"].iloc[0]))
    with pytest.raises(
        EvaluatingError, match=r"its script must call model\.evaluate\(x, y\) with two arrays"
    ):
        evaluate(run)
    assert len(ls_runs()) == 2


@pytest.mark.parametrize("deleted", [layout.MODEL, layout.HELD_OUT])
def test_what_was_kept_and_deleted_is_made_again(
    deleted: str, make: Path, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("results.evaluation.evaluate_run", can_be_evaluated)
    script = write(KEEPING.format(f"{MODEL}; {DATA}"))
    run = Path(str(training_run(script, quiet=True, save_model=True)["run_dir"].iloc[0]))
    (run / deleted).unlink()
    assert evaluate(run).evaluation is True
    assert len(ls_runs()) == 3


def test_nothing_is_run_again_for_a_page_that_cannot_be_written(
    make: Path, write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    run = _run(write(WITHOUT_KERAS + '    write_run_metadata("evaluation", {"loss": 1.0})\n'))
    capsys.readouterr()
    assert main(["evaluate", str(run), "--html", "--output", "nowhere/page.html"]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "can't write the page 'nowhere/page.html': there is no directory 'nowhere'" in shown.err
    assert len(ls_runs()) == 2


def test_the_page_contradicts_json(make: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", str(make), "--html", "--json"]) == 2
    assert main(["evaluate", str(make), "--output", "page.html"]) == 2
    assert len(ls_runs()) == 1


def test_what_a_run_keeps_is_in_its_record(make: Path, write: Write) -> None:
    script = write(WITHOUT_KERAS)
    kept = Path(str(training_run(script, quiet=True, save_model=True)["run_dir"].iloc[0]))
    records = [read_json(path / layout.RUN) or {} for path in (make, kept)]
    assert [record.get("save_model") for record in records] == [None, True]
