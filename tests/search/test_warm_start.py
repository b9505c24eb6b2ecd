"""Earlier results for a sampler to begin with: every form, what is left out, what is refused."""

import json
import logging
from collections import Counter
from pathlib import Path
from typing import Any, Literal

import optuna
import pandas as pd
import pytest

from gridruns import GridrunsError
from search import resume, tuning_run
from tests.search.support import Write

SCRIPT = """
    from results import log_metrics
    from spaces import flag_boolean, flag_integer, flag_numeric, flag_string, flags
    FLAGS = flags(
        flag_integer("a", 1), flag_numeric("lr", 0.1), flag_string("word", "x"), flag_boolean("on", False)
    )
    log_metrics(1, val_loss=abs(FLAGS.a - 3) + FLAGS.lr, size=FLAGS.a)
"""
SPACE = {
    "a": [1, 2, 3, 4],
    "lr": {"values": [0.01, 1, 0.1], "only": "a >= 2"},
    "word": ["007", "no"],
    "on": [True, False],
}
ROWS: list[dict[str, Any]] = [
    {"a": 2, "lr": 1, "word": "007", "on": True, "val_loss": 2.0},
    {"a": 3, "lr": 0.1, "word": "no", "on": False, "val_loss": 0.1},
    {"a": 1, "word": "no", "on": True, "val_loss": 2.5},
]


@pytest.fixture
def script(write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return write(SCRIPT)


def tune(script: Path, flags: Any = None, **asked: Any) -> pd.DataFrame:
    options = {
        "study": "s", "quiet": True, "executor": "inline", "seed": 5, "trials": 3, "sampler": "tpe", **asked,
    }  # fmt: skip
    return tuning_run(script, SPACE if flags is None else flags, **options)


def earlier(study: str = "s") -> list[dict[str, Any]]:
    """What study.json keeps of them."""
    kept: list[dict[str, Any]] = json.loads(Path("runs", study, "study.json").read_text())["earlier"]
    return kept


def expected() -> list[dict[str, Any]]:
    return [
        {"point": {k: v for k, v in row.items() if k != "val_loss"}, "values": [row["val_loss"]]}
        for row in ROWS
    ]


def csv_text() -> str:
    return "a,lr,word,on,val_loss\n2,1,007,true,2.0\n3,0.1,no,false,0.1\n1,,no,true,2.5\n"


@pytest.mark.parametrize("form", ["frame", "csv", "yaml"])
def test_values_keep_their_types_in_every_form(form: str, script: Path) -> None:
    given: Any = pd.DataFrame(ROWS)
    if form == "csv":
        given = "earlier.csv"
        Path(given).write_text(csv_text())
    elif form == "yaml":
        given = Path("earlier.yaml")
        given.write_text(json.dumps(ROWS))  # JSON is YAML
    runs = tune(script, warm_start=given)
    assert len(runs) == 3
    assert earlier() == expected()
    assert [type(v) for r in earlier() for v in r["point"].values()] == [
        type(v) for r in expected() for v in r["point"].values()
    ]


@pytest.mark.parametrize("form", ["frame", "csv"])
def test_the_leaderboard_of_another_study_is_one(form: str, script: Path) -> None:
    board = tune(script, study="first", sampler="random", trials=9)
    given: Any = board
    if form == "csv":
        given = "board.csv"
        board.to_csv(given, index=False)
    tune(script, warm_start=given)
    assert len(earlier()) == 9
    assert {round(result["values"][0], 12) for result in earlier()} == {
        round(value, 12) for value in board["best_val_loss"]
    }
    for result in earlier():
        assert result["values"][0] == pytest.approx(
            abs(result["point"]["a"] - 3) + result["point"].get("lr", 0.1)
        )
        assert ("lr" in result["point"]) == (result["point"]["a"] >= 2)


def test_a_csv_file_of_pandas_has_floats_for_integers_with_gaps_and_nothing_for_none(
    script: Path, write: Write
) -> None:
    write(
        """
        from results import log_metrics
        from spaces import flag_integer, flag_string, flags
        FLAGS = flags(
            flag_integer("n", None, choices=[None, 2, 64]), flag_string("word", None, choices=[None, "x"])
        )
        log_metrics(1, val_loss=FLAGS.n or 0)
        """
    )
    rows = pd.DataFrame({"n": [64.0, None, 2.5], "word": ["x", None, "x"], "val_loss": [1.0, 2.0, 3.0]})
    rows.to_csv("gaps.csv", index=False)
    space = {"n": [None, 2, 64], "word": [None, "x"]}
    tune(script, space, warm_start="gaps.csv", trials=2)
    assert earlier() == [
        {"point": {"n": 64, "word": "x"}, "values": [1.0]},
        {"point": {"n": None, "word": None}, "values": [2.0]},
    ]  # 2.5 is no point, and isn't rounded to one


def optuna_study(direction: Literal["minimize", "maximize"] = "minimize") -> optuna.Study:
    study = optuna.create_study(direction=direction)
    for row in ROWS:
        trial = study.ask({
            "a": optuna.distributions.IntDistribution(1, 4),
            "lr": optuna.distributions.CategoricalDistribution([0.01, 1, 0.1]),
            "word": optuna.distributions.CategoricalDistribution(["007", "no"]),
            "on": optuna.distributions.CategoricalDistribution([True, False]),
        })  # fmt: skip
        study.tell(trial, row["val_loss"])
    study.tell(study.ask(), state=optuna.trial.TrialState.FAIL)
    return study


def test_an_optuna_study_is_one(script: Path) -> None:
    tune(script, warm_start=optuna_study())
    assert [result["values"] for result in earlier()] == [[2.0], [0.1], [2.5]]
    with pytest.raises(
        GridrunsError, match="the Optuna study must minimize, as this one does, but it does max"
    ):
        tune(script, study="t", warm_start=optuna_study("maximize"))


class Watching(optuna.samplers.RandomSampler):
    """Keeps what it is told."""

    def __init__(self) -> None:
        super().__init__(seed=1)
        self.told: list[tuple[Any, ...]] = []

    def after_trial(self, study: Any, trial: Any, state: Any, values: Any) -> None:
        super().after_trial(study, trial, state, values)
        self.told.append((trial.params["a"], *values))


def test_the_sampler_is_told_before_it_proposes_and_growth_and_resume_keep_it(script: Path) -> None:
    told = [(row["a"], row["val_loss"]) for row in ROWS]
    first, second, third = Watching(), Watching(), Watching()
    before = tune(script, sampler=first, warm_start=pd.DataFrame(ROWS))
    assert first.told[:3] == told
    tune(script, sampler=second, trials=5)
    assert second.told[:3] == told
    assert earlier() == expected()
    (Path(before["run_dir"].iloc[0]) / "outcome.json").unlink()
    study = Path("runs/s/study.json")
    study.write_text(json.dumps({**json.loads(study.read_text()), "planned": 6}))
    runs = resume("s", sampler=third, quiet=True)
    assert sum(runs["status"] == "completed") == 6
    assert third.told[:3] == told


def test_the_points_may_be_run_again(script: Path) -> None:
    runs = tune(
        script, {"a": [1, 2]}, trials=2, warm_start=pd.DataFrame({"a": [1, 2], "val_loss": [1.0, 2.0]})
    )
    assert sorted(runs["flag_a"]) == [1, 2]


def test_good_earlier_results_show_where_to_look(script: Path) -> None:
    space = {"lr": {"low": 1e-6, "high": 1.0, "log": True}}
    rows = pd.DataFrame({"lr": [10**-k for k in (0.1, 0.5, 1, 2, 3, 3.9, 4.1, 5, 5.5, 5.9, 4.0)]})
    rows["val_loss"] = [abs(k - 4) for k in (0.1, 0.5, 1, 2, 3, 3.9, 4.1, 5, 5.5, 5.9, 4.0)]
    runs = tune(script, space, warm_start=rows, trials=12)
    assert runs["flag_lr"].median() < 1e-2  # evenly drawn, on a log scale, it would be near 1e-3 by chance
    assert ((runs["flag_lr"] > 1e-5) & (runs["flag_lr"] < 1e-3)).sum() >= 5


def test_rows_outside_the_space_are_counted_in_a_line(script: Path, caplog: pytest.LogCaptureFixture) -> None:
    rows = [
        *ROWS,
        {"a": 9, "lr": 0.1, "word": "no", "on": False, "val_loss": 0.1},
        {"a": 3, "lr": 0.11, "word": "no", "on": False, "val_loss": 0.1},
        {"a": 3, "lr": 0.1, "word": "no", "on": False, "val_loss": float("nan")},
    ]
    with caplog.at_level(logging.WARNING):
        tune(script, warm_start=pd.DataFrame(rows))
    assert [record.getMessage() for record in caplog.records if "earlier" in record.getMessage()] == [
        "3 of 6 earlier results are left out: no point of the space, or no finite value"
    ]
    assert earlier() == expected()


def test_several_metrics(script: Path) -> None:
    rows = pd.DataFrame(ROWS).assign(size=[2, 3, 1])
    tune(script, metric=["val_loss:min", "size:max"], warm_start=rows)
    assert [result["values"] for result in earlier()] == [[2.0, 2], [0.1, 3], [2.5, 1]]


def test_other_earlier_results_are_another_study(script: Path) -> None:
    tune(script, warm_start=pd.DataFrame(ROWS))
    with pytest.raises(GridrunsError, match="earlier results 3 -> 2"):
        tune(script, warm_start=pd.DataFrame(ROWS[:2]))
    with pytest.raises(GridrunsError, match="earlier results 3 -> 3 others"):
        tune(script, warm_start=pd.DataFrame(ROWS).assign(val_loss=1.0))
    tune(script, warm_start=pd.DataFrame(ROWS))
    tune(script, warm_start=pd.DataFrame(ROWS[:2]), extend=True)
    assert earlier() == expected()[:2]


@pytest.mark.parametrize("sampler", ["grid", "random", "qmc", "keras-tuner:random"])
def test_a_sampler_that_does_not_learn_refuses_them(sampler: str, script: Path) -> None:
    with pytest.raises(GridrunsError, match=f"'{sampler}' doesn't learn from earlier results; these do: tpe"):
        tune(script, sampler=sampler, warm_start=pd.DataFrame(ROWS))
    assert not Path("runs").exists()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("nowhere.csv", "can't read 'nowhere.csv'"),
        ("nowhere.yaml", "nowhere.yaml"),
        (7, "warm_start must be a table, a CSV or YAML file, or an Optuna study, but got 7"),
        (pd.DataFrame(ROWS)[["a", "lr", "word", "val_loss"]], "one column on or flag_on, but have neither"),
        (pd.DataFrame(ROWS).drop(columns="val_loss"), "val_loss or best_val_loss, but have neither"),
        (pd.DataFrame(ROWS).assign(flag_a=1), "one column a or flag_a, but have both"),
        (pd.DataFrame(ROWS).assign(a=7), "none of the 3 earlier results is at a point of the space"),
        (pd.DataFrame(ROWS).head(0), "none of the 0 earlier results"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_one_line(given: Any, message: str, script: Path) -> None:
    with pytest.raises(GridrunsError, match=message) as caught:
        tune(script, warm_start=given)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2
    assert not Path("runs").exists()


@pytest.mark.parametrize(
    ("text", "name", "message"),
    [
        ("a: 1\n", "e.yaml", "must be a list of mappings"),
        ("- [1, 2]\n", "e.yaml", "must be a list of mappings"),
        ("- {a: [\n", "e.yaml", "e.yaml"),
        ("", "e.csv", "earlier results"),
        ("a,lr,word,on,val_loss\n3,0.1,no\n", "e.csv", "for each of the 5 columns, but has 3"),
        ("a,lr,word,on,val_loss\n3,0.1,no,false,0.1,7,8\n", "e.csv", "but has 7"),
    ],
)  # fmt: skip
def test_a_file_of_another_kind_is_one_line(text: str, name: str, message: str, script: Path) -> None:
    Path(name).write_text(text)
    with pytest.raises(GridrunsError, match=message) as caught:
        tune(script, warm_start=name)
    assert "\n" not in str(caught.value)
    assert not Path("runs").exists()


def test_duplicate_earlier_results_all_count(script: Path) -> None:
    tune(script, warm_start=pd.DataFrame([*ROWS, ROWS[0]]))
    assert Counter(result["values"][0] for result in earlier())[2.0] == 2
