"""A study's directory that several searches of one database hold together."""

from pathlib import Path

import pytest

from results.busy import BusyError, held
from search.lock import StudyLockedError, shared_lock, study_lock


def test_searches_of_a_database_hold_a_directory_together_and_against_all_others(tmp_path: Path) -> None:
    (tmp_path / "study.json").touch()
    calls: list[str] = []
    with shared_lock(tmp_path, lambda: calls.append("first")) as first:
        with shared_lock(tmp_path, lambda: calls.append("second")) as second:
            assert (first, second) == (True, False)
            assert calls == ["first"]
        with pytest.raises(StudyLockedError, match="is being run by another process"), study_lock(tmp_path):
            pass
        with pytest.raises(BusyError), held(tmp_path):
            pass
    with (
        study_lock(tmp_path),
        pytest.raises(StudyLockedError, match=r"is being run by process .* since 20"),
        shared_lock(tmp_path, lambda: calls.append("third")),
    ):
        pass
    assert calls == ["first"]
    with study_lock(tmp_path):
        pass
