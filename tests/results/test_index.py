"""The index: a listing with it is the listing without it, and nothing about it can break one."""

import json
import os
import shutil
import struct
import threading
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from results import index, index_file, layout, leaderboard, ls_runs, summary
from results.files import write_json
from results.run import Epoch, Run, read_run
from results.status import Status

MakeRun = Callable[..., Path]
METRICS = st.dictionaries(
    st.sampled_from(["loss", "val_loss", "auc"]),
    st.sampled_from([0.5, 1.0, -2.0, float("nan"), float("inf")]),
)


@pytest.fixture(autouse=True)
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """Indexes even a few runs that have just ended."""
    monkeypatch.setattr(index, "WORTH_WRITING", 1)
    monkeypatch.setattr(index, "SETTLED", -1_000_000_000)


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the runs that listings read from now on."""
    names: list[str] = []

    def spy(path: Path) -> Run:
        names.append(Path(path).name)
        return read_run(path)

    monkeypatch.setattr(index, "read_run", spy)
    return names


def plain(monkeypatch: pytest.MonkeyPatch) -> pd.DataFrame:
    """The listing without any index."""
    with monkeypatch.context() as changed:
        changed.setattr(index_file, "_UNUSABLE", (Exception,))
        changed.setattr(index, "load", lambda folder: {})
        changed.setattr(index, "save", lambda folder, entries: None)
        return ls_runs()


def a_few_runs(make_run: MakeRun) -> list[Path]:
    """Runs of every kind, in two studies and outside."""
    runs = [
        make_run(
            {"loss": 3.0},
            {"loss": 1.0, "val_loss": 2.0},
            {"loss": 2.0},
            flags={"x": 1, "word": "007"},
            inactive=["word"],
        ),
        make_run({"loss": float("nan")}, status=Status.DIVERGED, study="a", flags={"x": 0.1 + 0.2}, seed=3),
        make_run(status=Status.FAILED, study="a", flags={"x": None}),
        make_run({"loss": 1.0, "odd name 🎲": 2.0}, study="b", flags={"word": "\ud800<b>\n"}),
        make_run({"loss": 1.0}, study="b", status=None),
    ]
    write_json(runs[0] / layout.PROPERTIES, {"model": "dense\n", "samples": 2**70, "learning_rate": 1})
    (runs[1] / layout.METRICS).write_text('{"step": 1, "metrics": {"loss": 1}}\n{"torn')
    (runs[0] / layout.SOURCE).mkdir()
    return runs


def test_a_listing_from_the_index_equals_one_of_the_runs(
    make_run: MakeRun, read: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = a_few_runs(make_run)
    expected = plain(monkeypatch)
    pd.testing.assert_frame_equal(ls_runs(), expected)
    read.clear()
    pd.testing.assert_frame_equal(ls_runs(), expected)
    assert read == [runs[4].name], "only the unfinished run is read"
    for metric, goal in (("loss", "max"), ("val_loss", "min")):
        ranked = leaderboard(metric=metric, goal=goal)
        with monkeypatch.context() as changed:
            changed.setattr(index, "load", lambda folder: {})
            pd.testing.assert_frame_equal(ranked, leaderboard(metric=metric, goal=goal))


@given(
    st.lists(METRICS, max_size=6),
    st.sampled_from(["loss", "val_loss", "auc", "none"]),
    st.sampled_from(["min", "max"]),
)
def test_a_summary_knows_the_best_epoch_by_any_metric(
    logged: list[dict[str, float]], metric: str, goal: str
) -> None:
    run = Run(Path("runs/x"), epochs=tuple(Epoch(step, metrics) for step, metrics in enumerate(logged)))
    short = summary.summarize(run)
    found, expected = short.best_epoch(metric, goal), run.best_epoch(metric, goal)
    assert repr(found and (found.step, sorted(found.metrics.items()))) == repr(
        expected and (expected.step, sorted(expected.metrics.items()))
    )
    assert repr(dict(zip(*short.last, strict=True))) == repr(dict(run.last_metrics))
    assert short.metric_names == run.metric_names


def test_a_run_whose_search_is_gone_is_read_each_time(make_run: MakeRun, read: list[str]) -> None:
    run = make_run({"loss": 1.0}, status=None)
    record = json.loads((run / layout.RUN).read_text())
    write_json(run / layout.RUN, {**record, "pid": 2**22 + 1})
    for _ in range(2):
        read.clear()
        assert list(ls_runs()["status"]) == ["interrupted"]
        assert ls_runs()["reason"].notna().all()
        assert read == [run.name] * 2


@pytest.mark.parametrize(
    "change",
    [
        lambda run: write_json(run / layout.EVALUATION, {"metrics": {"loss": 0.125}}),
        lambda run: write_json(run / layout.OUTCOME, {"status": "failed"}),
        lambda run: (run / layout.OUTCOME).unlink(),
        lambda run: (run / layout.SOURCE).mkdir(),
        lambda run: run.rename(run.with_name("renamed")),
        lambda run: shutil.rmtree(run),
        lambda run: shutil.copytree(run, run.with_name("copied")),
        lambda run: (shutil.move(run, "aside"), shutil.copytree("aside", run)),
    ],
)
def test_what_has_changed_is_read(
    make_run: MakeRun, read: list[str], monkeypatch: pytest.MonkeyPatch, change: Callable[[Path], object]
) -> None:
    runs = [make_run({"loss": 1.0}), make_run({"loss": 2.0})]
    ls_runs()
    change(runs[1])
    read.clear()
    found = ls_runs()
    assert runs[0].name not in read
    pd.testing.assert_frame_equal(found, plain(monkeypatch))


def test_a_run_that_has_just_changed_is_not_trusted(
    make_run: MakeRun, read: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its directory's times needn't show the next change: file systems count time in steps."""
    monkeypatch.setattr(index, "SETTLED", 2_000_000_000)
    run = make_run({"loss": 1.0})
    for _ in range(2):
        read.clear()
        ls_runs()
        assert read == [run.name]
    assert not Path("runs", layout.INDEX).exists()


def test_few_new_runs_are_not_worth_writing(
    make_run: MakeRun, read: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index, "WORTH_WRITING", 3)
    made = [make_run() for _ in range(3)]
    ls_runs()
    made += [make_run(), make_run()]
    for _ in range(2):
        read.clear()
        ls_runs()
        assert read == [made[3].name, made[4].name]
    make_run()
    ls_runs()
    read.clear()
    assert len(ls_runs()) == 6
    assert read == []


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: data[: len(data) // 2],
        lambda data: data.replace(struct.pack("<d", 0.875), struct.pack("<d", 0.125)),
        lambda data: data.replace(b"gridruns index", b"gridruns indxe"),
        lambda data: b"\xff" * len(data),
        lambda data: json.dumps({"runs": []}).encode(),
    ],
)
def test_a_damaged_index_is_rebuilt(
    make_run: MakeRun, read: list[str], monkeypatch: pytest.MonkeyPatch, damage: Callable[[bytes], bytes]
) -> None:
    make_run({"loss": 0.875})
    expected = ls_runs()
    file = Path("runs", layout.INDEX)
    whole = file.read_bytes()
    assert whole != damage(whole)
    file.write_bytes(damage(whole))
    read.clear()
    pd.testing.assert_frame_equal(ls_runs(), expected)
    assert len(read) == 1
    assert file.read_bytes() == whole


def test_a_body_with_a_right_checksum_and_wrong_content_is_no_index(make_run: MakeRun) -> None:
    make_run({"loss": 1.0})
    expected = ls_runs()
    whole = Path("runs", layout.INDEX).read_bytes().partition(b"\n")[2]
    numbers = (whole[:-1], whole[:-8], whole + bytes(8))
    for body in (b"[]", b"{}", b'{"names":[],"texts":[],"runs":[[1]]}', b"[" * 100_000, *numbers):
        Path("runs", layout.INDEX).write_bytes(index_file._head(body) + b"\n" + body)
        pd.testing.assert_frame_equal(ls_runs(), expected)


def test_where_the_index_cannot_be_written_runs_are_read(make_run: MakeRun, read: list[str]) -> None:
    make_run({"loss": 1.0})
    Path("runs", layout.INDEX).mkdir()  # nobody, not even root, replaces a directory by a file
    (Path("runs", layout.INDEX) / "x").touch()
    for _ in range(2):
        read.clear()
        assert list(ls_runs()["best_loss"]) == [1.0]
        assert len(read) == 1
    assert not [name for name in os.listdir("runs") if name.endswith(".tmp")]


def test_readers_and_a_search_may_meet(make_run: MakeRun) -> None:
    """Six threads list while runs come: every listing is whole, and holds what was there before it began."""
    made: list[Path] = []
    wrong: list[object] = []

    def look() -> None:
        while len(made) < 60:
            before = len(made)
            ended = ls_runs("status == 'completed'")
            if len(ended) < before or (before and ended["best_loss"].isna().any()):
                wrong.append((before, ended))

    threads = [threading.Thread(target=look) for _ in range(6)]
    for thread in threads:
        thread.start()
    while len(made) < 60:
        made.append(make_run({"loss": 1.0}, study="s"))
    for thread in threads:
        thread.join()
    assert wrong == []
    assert len(ls_runs()) == 60


def test_a_moved_study_takes_its_index_along(make_run: MakeRun, read: list[str]) -> None:
    make_run({"loss": 1.0}, study="s")
    ls_runs()
    Path("runs/s").rename("runs/t")
    read.clear()
    row = ls_runs().iloc[0]
    assert row["run_dir"].startswith("runs/t/")
    assert row["metrics"] == f"{row['run_dir']}/metrics.jsonl"
    assert read == []
    Path("runs/t", layout.INDEX).unlink()
    assert len(ls_runs()) == 1
