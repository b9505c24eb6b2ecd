"""What a run keeps to be evaluated, written and read back; and what isn't taken."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from results import layout
from results.errors import ResultsError
from results.files import write_json
from results.kept import (
    HeldOut,
    Keeper,
    asked_to_keep,
    can_be_evaluated,
    keeping,
    keeps_in_vain,
    note_kept,
    read_held_out,
    write_held_out,
)
from results.keras_hooks import install
from results.recorder import Recorder

X, Y = np.arange(6.0).reshape(3, 2), np.array([0, 1, 1])


class Model:
    """A stand-in for Keras's: it is saved as a text."""

    def __init__(self, content: str = "", fails: type[Exception] | None = None) -> None:
        self.content = content
        self.fails = fails

    def save(self, path: Path) -> None:
        if self.fails:
            raise self.fails("it can't be told how it is made")
        path.write_text(self.content)

    def evaluate(
        self, x: Any = None, y: Any = None, batch_size: Any = None, sample_weight: Any = None,
        steps: Any = None, **kwargs: Any,
    ) -> str:  # fmt: skip
        return "what Keras returns"


class Keras:
    Model = Model


@pytest.fixture
def keeper(tmp_path: Path) -> Keeper:
    return Keeper(tmp_path, Keras)


def evaluate(keeper: Keeper, *args: Any, model: Model | None = None, **kwargs: Any) -> None:
    answer = keeper.evaluate(Model.evaluate, model or Model("m"), args, kwargs)
    assert answer == "what Keras returns"


def test_only_a_run_that_was_asked_to_keeps_its_model() -> None:
    assert not asked_to_keep({})
    assert not asked_to_keep(keeping(False))
    assert asked_to_keep(keeping(True))


def test_the_last_evaluation_stays(keeper: Keeper, tmp_path: Path) -> None:
    evaluate(keeper, X[:1], Y[:1])
    assert read_held_out(tmp_path).batch_size is None
    evaluate(keeper, X, y=Y, batch_size=2, model=Model("last"))
    kept = read_held_out(tmp_path)
    assert (kept.x.tolist(), kept.y.tolist(), kept.batch_size) == (X.tolist(), Y.tolist(), 2)
    assert kept.x.dtype == X.dtype
    assert (tmp_path / layout.MODEL).read_text() == "last"
    assert can_be_evaluated(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {layout.HELD_OUT, layout.MODEL, layout.KEPT}


def test_a_fit_keeps_the_model_alone(keeper: Keeper, tmp_path: Path) -> None:
    assert keeper.fit(lambda model, epochs: epochs, Model("fitted"), (), {"epochs": 3}) == 3
    assert (tmp_path / layout.MODEL).read_text() == "fitted"
    assert not can_be_evaluated(tmp_path)


def fit(keeper: Keeper, model: Model) -> None:
    keeper.fit(lambda model: None, model, (), {})


def test_a_fit_drops_the_data_of_an_earlier_evaluation(keeper: Keeper, tmp_path: Path) -> None:
    """Those of the first fold of k, say: the second model was trained on them."""
    fit(keeper, Model("first"))
    evaluate(keeper, X[:1], Y[:1], model=Model("first"))
    fit(keeper, Model("second"))
    assert (tmp_path / layout.MODEL).read_text() == "second"
    assert not (tmp_path / layout.HELD_OUT).exists()
    evaluate(keeper, X, Y, model=Model("second"))
    assert read_held_out(tmp_path).x.tolist() == X.tolist()


def test_data_that_a_callback_evaluates_within_a_fit_stay(keeper: Keeper, tmp_path: Path) -> None:
    evaluate(keeper, X[:1], Y[:1])
    keeper.fit(lambda model: evaluate(keeper, X, Y, model=model), Model("fitted"), (), {})
    assert read_held_out(tmp_path).x.tolist() == X.tolist()
    assert (tmp_path / layout.MODEL).read_text() == "fitted"


def test_data_of_another_model_do_not_stay_beside_the_fitted_one(keeper: Keeper, tmp_path: Path) -> None:
    """A teacher is evaluated on what its student is trained on."""
    teacher, student = Model("teacher"), Model("student")
    evaluate(keeper, X, Y, model=student)
    keeper.fit(lambda model: evaluate(keeper, X, Y, model=teacher), student, (), {})
    assert (tmp_path / layout.MODEL).read_text() == "student"
    assert not (tmp_path / layout.HELD_OUT).exists()

    def distil(model: Model) -> None:
        evaluate(keeper, X, Y, model=model)
        fit(keeper, teacher)

    keeper.fit(distil, student, (), {})
    assert sorted(path.name for path in tmp_path.iterdir()) == [layout.KEPT, layout.MODEL]


def test_no_model_lies_beside_the_data_of_another_while_files_are_replaced(
    keeper: Keeper, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    class Looking(Model):
        def save(self, path: Path) -> None:
            seen.append((tmp_path / layout.HELD_OUT).exists())
            super().save(path)

    def write(path: Path, data: HeldOut) -> None:
        seen.append((tmp_path / layout.MODEL).read_text())
        write_held_out(path, data)

    monkeypatch.setattr("results.kept.write_held_out", write)
    monkeypatch.setattr(Keras, "Model", Looking)
    evaluate(keeper, X, Y, model=Looking("first"))
    evaluate(keeper, X, Y, model=Looking("second"))
    fit(keeper, Looking("third"))
    assert seen == [False, "first", False, "second", False]


def test_a_fit_leaves_data_that_the_script_wrote_itself(keeper: Keeper, tmp_path: Path) -> None:
    write_held_out(tmp_path / layout.HELD_OUT, HeldOut(X, Y))
    fit(keeper, Model("fitted"))
    assert can_be_evaluated(tmp_path)
    evaluate(keeper, X[:1], Y[:1])
    fit(keeper, Model("again"))
    write_held_out(tmp_path / layout.HELD_OUT, HeldOut(X, Y))
    fit(keeper, Model("and again"))
    assert read_held_out(tmp_path).x.tolist() == X.tolist()


@pytest.mark.parametrize(
    ("error", "why"), [(MemoryError(), r"MemoryError()"), (TypeError("it is on the GPU"), "it is on the GPU")]
)
def test_data_that_cannot_be_read_are_named(
    error: Exception, why: str, keeper: Keeper, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    class Array:
        def __array__(self, *args: Any, **kwargs: Any) -> Any:
            raise error

    evaluate(keeper, Array(), Y)
    assert caplog.messages == [f"this evaluate() can't be kept to be repeated: {why}"]
    assert sorted(path.name for path in tmp_path.iterdir()) == [layout.KEPT, layout.MODEL]


def test_the_validation_within_fit_is_not_kept(keeper: Keeper, tmp_path: Path) -> None:
    evaluate(keeper, X, Y, _use_cached_eval_dataset=True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("call", "why"),
    [
        ({"x": [X, X], "y": Y}, "x must be one array, but got list"),
        ({"x": iter(()), "y": None}, "x must be one array, but got tuple_iterator"),
        ({"x": X}, "y must be one array, but got NoneType"),
        ({"x": np.array(["a"]), "y": Y}, "x must be an array of numbers, but got the type <U1"),
        ({"x": X, "y": Y, "sample_weight": Y}, "it was called with sample_weight"),
        ({"x": X, "y": Y, "steps": 1}, "it was called with steps"),
    ],
)
def test_what_cannot_be_repeated_is_named_and_no_earlier_data_stand_in_for_it(
    call: dict[str, Any], why: str, keeper: Keeper, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    evaluate(keeper, X, Y)
    evaluate(keeper, **call)
    assert caplog.messages == [f"this evaluate() can't be kept to be repeated: {why}"]
    assert not (tmp_path / layout.HELD_OUT).exists()
    evaluate(keeper, X, Y)
    assert read_held_out(tmp_path).x.tolist() == X.tolist()


def test_what_the_script_wrote_itself_stays(keeper: Keeper, tmp_path: Path) -> None:
    write_held_out(tmp_path / layout.HELD_OUT, HeldOut(X, Y))
    evaluate(keeper, iter(()))
    assert read_held_out(tmp_path).x.tolist() == X.tolist()


def test_a_model_that_the_script_wrote_itself_stays(keeper: Keeper, tmp_path: Path) -> None:
    """The best of its epochs, say, by a ModelCheckpoint within fit(), over one that was kept before."""
    fit(keeper, Model("first"))
    keeper.fit(lambda model: Model("best").save(tmp_path / layout.MODEL), Model("last"), (), {})
    assert (tmp_path / layout.MODEL).read_text() == "best"
    evaluate(keeper, X, Y, model=Model("loaded"))
    assert (tmp_path / layout.MODEL).read_text() == "best"
    assert read_held_out(tmp_path).x.tolist() == X.tolist()
    evaluate(keeper, X[:1], Y[:1], model=Model(fails=TypeError))
    assert (tmp_path / layout.MODEL).read_text() == "best"


def test_data_that_the_script_wrote_itself_stay_whatever_it_evaluates(keeper: Keeper, tmp_path: Path) -> None:
    evaluate(keeper, X[:2], Y[:2])
    write_held_out(tmp_path / layout.HELD_OUT, HeldOut(X, Y))
    evaluate(keeper, X[:1], Y[:1])
    assert read_held_out(tmp_path).x.tolist() == X.tolist()


def test_a_frame_is_an_array(keeper: Keeper, tmp_path: Path) -> None:
    evaluate(keeper, pd.DataFrame(X), pd.Series(Y))
    assert read_held_out(tmp_path).x.tolist() == X.tolist()


@pytest.mark.parametrize("error", [NotImplementedError, AttributeError, RuntimeError, ZeroDivisionError])
def test_a_model_that_keras_cannot_save_is_named(
    error: type[Exception], keeper: Keeper, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    evaluate(keeper, X, Y, model=Model(fails=error))
    assert caplog.messages == ["the model can't be saved: it can't be told how it is made"]
    assert {path.name for path in tmp_path.iterdir()} == {layout.HELD_OUT, layout.KEPT}


@pytest.mark.parametrize("fails", [None, TypeError])
@pytest.mark.parametrize("x", [X, iter(())])
def test_only_what_could_not_be_kept_is_kept_in_vain(
    fails: type[Exception] | None, x: Any, keeper: Keeper, tmp_path: Path
) -> None:
    """Whatever is deleted after the run's end, where it is noted."""
    write_json(tmp_path / layout.RUN, keeping(True))
    undo = install(Recorder(tmp_path))
    evaluate(keeper, x, Y, model=Model(fails=fails))
    undo()
    for name in (layout.MODEL, layout.HELD_OUT):
        assert keeps_in_vain(tmp_path) == (fails is not None or x is not X)
        (tmp_path / name).unlink(missing_ok=True)


def test_only_a_run_that_was_asked_to_keep_them_notes_it(tmp_path: Path) -> None:
    install(Recorder(tmp_path))()
    assert list(tmp_path.iterdir()) == []


def test_a_note_that_cannot_be_written_is_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    note_kept(tmp_path / "nowhere")
    assert caplog.messages == [
        "what was kept can't be noted: No such file or directory",
    ]


def test_no_earlier_model_stands_in_for_one_that_cannot_be_saved(keeper: Keeper, tmp_path: Path) -> None:
    evaluate(keeper, X, Y)
    evaluate(keeper, X, Y, model=Model(fails=TypeError))
    assert not (tmp_path / layout.MODEL).exists()


def test_no_earlier_model_stands_in_for_one_whose_training_failed(keeper: Keeper, tmp_path: Path) -> None:
    def fit(model: Model) -> None:
        raise MemoryError

    evaluate(keeper, X, Y)
    with pytest.raises(MemoryError):
        keeper.fit(fit, Model(), (), {})
    assert not (tmp_path / layout.MODEL).exists()
    assert not (tmp_path / layout.HELD_OUT).exists()


def test_a_model_that_another_process_of_the_run_has_kept_is_replaced(tmp_path: Path) -> None:
    evaluate(Keeper(tmp_path, Keras), X, Y, model=Model("first fold"))
    evaluate(Keeper(tmp_path, Keras), X[:1], Y[:1], model=Model("second fold"))
    assert (tmp_path / layout.MODEL).read_text() == "second fold"
    assert len(read_held_out(tmp_path).x) == 1


def test_a_model_that_cannot_be_put_in_place_leaves_no_earlier_one(
    keeper: Keeper, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace = os.replace

    def fail(source: Path, target: Path) -> None:
        if Path(target).name == layout.MODEL:
            raise OSError("no room")
        replace(source, target)

    evaluate(keeper, X, Y, model=Model("first"))
    with monkeypatch.context() as patched:
        patched.setattr("results.kept.os.replace", fail)
        evaluate(keeper, X, Y, model=Model("second"))
    assert not can_be_evaluated(tmp_path)
    evaluate(keeper, X, Y, model=Model("third"))
    assert (tmp_path / layout.MODEL).read_text() == "third"


def test_what_there_was_no_room_for_is_not_kept_in_vain(keeper: Keeper, tmp_path: Path) -> None:
    evaluate(keeper, X, Y, model=Model(fails=OSError))
    note_kept(tmp_path)
    assert not keeps_in_vain(tmp_path)
    evaluate(keeper, X, Y, model=Model(fails=TypeError))
    note_kept(tmp_path)
    assert keeps_in_vain(tmp_path)


def test_pickled_data_are_never_loaded(tmp_path: Path) -> None:
    np.savez(tmp_path / layout.HELD_OUT, x=np.array([{}]), y=Y)
    with pytest.raises(ResultsError, match="isn't a readable held-out set: Object arrays cannot be loaded"):
        read_held_out(tmp_path)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04torn", b"text"])
def test_a_damaged_file_is_an_error_that_names_it(content: bytes, tmp_path: Path) -> None:
    (tmp_path / layout.HELD_OUT).write_bytes(content)
    with pytest.raises(ResultsError, match=r"held_out\.npz' isn't a readable held-out set"):
        read_held_out(tmp_path)


def test_a_torn_file_is_an_error_wherever_it_is_torn(tmp_path: Path) -> None:
    write_held_out(tmp_path / layout.HELD_OUT, HeldOut(X, Y))
    whole = (tmp_path / layout.HELD_OUT).read_bytes()
    for length in range(0, len(whole), 7):
        (tmp_path / layout.HELD_OUT).write_bytes(whole[:length])
        with pytest.raises(ResultsError):
            read_held_out(tmp_path)


def test_samples_and_classes_must_be_as_many(tmp_path: Path) -> None:
    write_held_out(tmp_path / layout.HELD_OUT, HeldOut(X, Y[:2]))
    with pytest.raises(ResultsError, match=r"as many samples x as y, .* \(3, 2\) and \(2,\)"):
        read_held_out(tmp_path)
