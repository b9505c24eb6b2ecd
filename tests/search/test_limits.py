"""How a machine is shared out among workers."""

import pytest

from gridruns import GridrunsError
from search import limits
from search.executor import Resources
from search.executors import resources_for


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setattr(limits, "cores", lambda: 8)
    monkeypatch.setattr(limits, "available_memory", lambda: 64 << 30)
    monkeypatch.setattr(limits, "gpus", lambda: ())
    return monkeypatch


def test_auto_takes_a_worker_of_one_thread_for_each_core(machine: pytest.MonkeyPatch) -> None:
    assert limits.share() == Resources(8, 1)


def test_no_more_workers_than_trials_and_they_share_the_cores(machine: pytest.MonkeyPatch) -> None:
    assert limits.share(trials=2) == Resources(2, 4)


def test_memory_bounds_the_workers(machine: pytest.MonkeyPatch) -> None:
    machine.setattr(limits, "available_memory", lambda: 3 << 30)
    assert limits.share().workers == 3
    machine.setattr(limits, "available_memory", lambda: 1 << 20)
    assert limits.share().workers == 1


def test_gpus_are_dealt_out(machine: pytest.MonkeyPatch) -> None:
    machine.setattr(limits, "gpus", lambda: ("0", "1", "2", "3"))
    four = limits.share()
    assert (four.workers, four.threads) == (4, 2)
    assert [four.gpu(slot) for slot in range(4)] == ["0", "1", "2", "3"]
    two = limits.share(workers=2)
    assert [two.gpu(slot) for slot in range(2)] == ["0,2", "1,3"]
    assert [limits.share(workers=6).gpu(slot) for slot in range(6)] == ["0", "1", "2", "3", "0", "1"]


@pytest.mark.parametrize(("named", "found"), [("1,3", ("1", "3")), ("", ()), ("-1", ())])
def test_the_visible_gpus_are_those_named(
    named: str, found: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", named)
    assert limits.gpus() == found


@pytest.mark.parametrize("value", [0, -1, "many", True, "2"])
def test_other_numbers_are_refused(value: object) -> None:
    with pytest.raises(GridrunsError, match=r"workers must be .* but got"):
        limits.share(workers=value)  # type: ignore[arg-type]


def test_inline_has_one_worker_and_leaves_the_threads_alone() -> None:
    assert resources_for("inline").workers == 1
    assert resources_for("inline").threads is None
    assert resources_for("inline", threads=1).threads == 1
    with pytest.raises(GridrunsError, match="one worker"):
        resources_for("inline", workers=2)
