"""Why a trial ended, where its process and its run directory don't say it all."""

import signal
from pathlib import Path

import pytest

from results.run import Run
from results.status import Status
from search import verdicts
from search.executor import Ending
from search.study import Metric
from search.verdicts import Judge
from search.watch import Sentence

RUN = Run(Path("nowhere"))
KILLED = Ending(0, None, signal.SIGKILL)
OVER = Sentence(Status.TIMEOUT, "over the trial timeout of 4 s")


def status(judge: Judge, ending: Ending, sentence: Sentence | None = None) -> Status:
    return judge.verdict(ending, RUN, sentence).status


def test_each_kill_of_the_kernel_explains_one_trial(monkeypatch: pytest.MonkeyPatch) -> None:
    kills = iter([5, 7, 7, 7, 7])
    monkeypatch.setattr(verdicts, "kernel_kills", lambda: next(kills))
    judge = Judge(Metric("val_loss", "min"))
    ends = [status(judge, Ending(number, None, signal.SIGKILL)) for number in range(3)]
    assert ends == [Status.OOM, Status.OOM, Status.KILLED]
    assert status(judge, Ending(3, None, signal.SIGSEGV)) is Status.KILLED


def test_only_what_was_ended_with_the_search_is_interrupted() -> None:
    judge = Judge(Metric("val_loss", "min"))
    judge.stop("the search was stopped")
    assert status(judge, KILLED) is Status.INTERRUPTED
    assert status(judge, Ending(0, None)) is Status.INTERRUPTED
    assert status(judge, Ending(0, 0)) is Status.COMPLETED
    assert status(judge, Ending(0, None, signal.SIGSEGV)) is Status.KILLED
    assert status(judge, KILLED, OVER) is Status.TIMEOUT


def test_a_sentence_that_came_too_late_changes_nothing() -> None:
    judge = Judge(Metric("val_loss", "min"))
    assert status(judge, Ending(0, 0), OVER) is Status.COMPLETED
    assert judge.verdict(KILLED, RUN, OVER).reason == "over the trial timeout of 4 s"
