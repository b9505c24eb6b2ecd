"""Tags and notes."""

import multiprocessing
from pathlib import Path

import pytest

from results import layout, note_run, tag_run
from results.errors import RecordError, ResultsError
from results.notes import Notes, read_notes
from results.recorder import Recorder
from tests.results.conftest import MakeRun


def test_tags_and_a_note_come_and_go(make_run: MakeRun) -> None:
    run = make_run()
    assert read_notes(run) == Notes()
    assert tag_run(run, "best", "paper", "best").tags == ("best", "paper")
    assert note_run(run.name, "<b>🎉\nsecond line").note == "<b>🎉\nsecond line"
    assert tag_run(run, "new", remove=["best"]) == Notes(("paper", "new"), "<b>🎉\nsecond line")
    assert note_run(run, "") == Notes(("paper", "new"))


@pytest.mark.parametrize("tag", ["", "a,b", " a", "a\nb", "\x1b[2J"])
def test_a_tag_is_one_word_or_more_in_a_line(tag: str, make_run: MakeRun) -> None:
    with pytest.raises(ResultsError, match="a tag must be a text without commas"):
        tag_run(make_run(), tag)


def test_mistakes(make_run: MakeRun, runs_dir: Path) -> None:
    run = make_run()
    tag_run(run, "a")
    with pytest.raises(ResultsError, match=f"run {run.name} has no tag 'b' \\(it has: a\\)"):
        tag_run(run, remove=["b"])
    with pytest.raises(ResultsError, match="no run or study at 'runs/x'"):
        note_run("runs/x", "text")
    make_run()
    with pytest.raises(ResultsError, match="one run is wanted, but 2 are named"):
        note_run(list(runs_dir.iterdir()), "text")
    (run / layout.NOTES).write_text("{torn")
    assert read_notes(run) == Notes()
    with pytest.raises(ResultsError, match="isn't a readable JSON object; mend or delete it"):
        tag_run(run, "b")
    with pytest.raises(RecordError, match="doesn't use"):
        Recorder(run).metadata("notes", {})


def _tag(run: str, first: int) -> None:
    for number in range(first, first + 25):
        tag_run(run, f"t{number}")


def test_nothing_is_lost_when_two_tag_at_once(make_run: MakeRun) -> None:
    run = make_run()
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_tag, args=(str(run), first)) for first in (0, 25)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
        assert worker.exitcode == 0
    assert len(read_notes(run).tags) == 50
