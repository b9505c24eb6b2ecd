"""A study's directory that several searches of one database hold together."""

from contextlib import nullcontext
from pathlib import Path
from unittest.mock import Mock

import pytest

from results import layout
from results.busy import BusyError, held
from results.files import read_json, write_json
from results.runs import create_run
from search.lock import StudyLockedError, shared_lock, study_lock
from search.study_folder import shared_folder


def test_beside_others_no_run_is_given_an_end_by_its_process_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A container of the same host name may have written it, whose processes aren't seen from here.
    folder = tmp_path / "s"
    monkeypatch.setattr("search.study_folder._save_shared", lambda *asked: None)
    run = create_run(folder, {"number": 0})
    record = read_json(run / layout.RUN) or {}
    write_json(run / layout.RUN, {**record, "pid": 2**22 + 1})
    with shared_lock(folder, lambda: None), shared_folder(folder, Mock(), nullcontext()):
        assert not (run / layout.OUTCOME).exists()
    with shared_folder(folder, Mock(), nullcontext()):
        assert (run / layout.OUTCOME).exists()  # alone, it knows


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
