"""The database goes away while a search runs, and comes back."""

import signal
from pathlib import Path

import pytest
from optuna.trial import TrialState

from results import layout, leaderboard
from search import resume
from search.storage.address import StorageError
from tests.faults.support import started
from tests.storage.server import Server
from tests.storage.support import (
    PATIENCE,
    TUNE,
    completed,
    count,
    gate,
    grant,
    once,
    running,
    trials,
    wait_until,
)


def test_a_search_outlives_a_restart_of_its_database(server: Server, postgres: str, folder: Path) -> None:
    gate(folder)
    with started(*TUNE, "--storage", postgres) as search:
        wait_until(lambda: running("runs") == 2, "two running trials")
        grant(3)
        wait_until(lambda: count(layout.OUTCOME, "runs") == 3 and running("runs") == 2, "three results")
        server.stop()
        try:
            grant(2)
            wait_until(lambda: count(layout.OUTCOME, "runs") == 5, "results without the database")
            assert search.poll() is None
            assert running("runs") == 0  # and nothing new is begun
        finally:
            server.start()
        grant(20)
        _, err = search.communicate(timeout=PATIENCE)
    assert search.returncode == 0, err
    assert completed("runs") == once()
    assert set(leaderboard("runs")["status"]) == {"completed"}
    assert [trial.state for trial in trials(postgres)] == [TrialState.COMPLETE] * 12
    lines = [line for line in err.splitlines() if "database" in line]
    assert len(lines) == 2, err
    assert lines[0].startswith("the database can't be used (")
    assert lines[0].endswith("): running trials go on, new ones wait until it is back")
    assert lines[1] == "the database is back"


def test_what_the_database_lacks_is_written_by_the_next_search(
    server: Server, postgres: str, folder: Path
) -> None:
    gate(folder)
    with started(*TUNE, "--storage", postgres) as search:
        wait_until(lambda: running("runs") == 2, "two running trials")
        server.stop()
        try:
            grant(2)
            wait_until(lambda: count(layout.OUTCOME, "runs") == 2, "results without the database")
            search.send_signal(signal.SIGINT)
            _, err = search.communicate(timeout=PATIENCE)
            assert search.returncode == 130, err
            assert "the database lacks the last" in err
            with pytest.raises(StorageError, match=r"^storage: can't use postgresql://searcher@127.0.0.1:"):
                resume("s", storage=postgres, quiet=True)
        finally:
            server.start()
    grant(20)
    resume("s", storage=postgres, quiet=True)
    assert completed("runs") == once()
    ended = trials(postgres, "s", TrialState.COMPLETE)
    assert sorted(trial.user_attrs["number"] for trial in ended) == list(range(12))
