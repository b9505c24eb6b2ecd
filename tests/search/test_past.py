"""What a study has done, and what follows from it: contents, numbers, trials that must be alone."""

import random
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from results.files import write_json
from results.recorder import Recorder
from results.runs import create_run, finish_run
from results.status import Status
from search.assignment import Assignment
from search.objective import Verdict
from search.past import RERUN, content, ends_to_rerun, read_past
from search.record import mark_cut_off
from search.samplers import make_sampler
from search.schedule import Schedule
from search.script import Script
from search.study import Metric, Study, StudyError
from spaces import Float, Space, flag_integer, flag_numeric

DECLARED = (flag_integer("a", 1), flag_integer("b", 1), flag_numeric("lr", 0.1))
GRID = Space({"a": [1, 2, 3], "b": [1, 2, 3, 4]})
RANGES = Space({"a": [1, 2], "lr": Float(1e-5, 1e-1, log=True)})


def study(space: Space = GRID, **asked: Any) -> Study:
    base = {flag.name: flag.default for flag in DECLARED if flag.name not in space.names}
    about = {"planned": space.size or 9, "sampler": "grid", "order": "random", "seed": 7}
    script = Script(Path("train.py"), "train.py", {}, ())
    return Study("s", script, DECLARED, base, space, metric=Metric(), **{**about, **asked})


def schedule(spec: Study, folder: Path, retries: int = 1) -> Schedule:
    past = read_past(folder, DECLARED, retries, spec.rerun)
    sampler = make_sampler(spec.sampler, spec.space, seed=spec.seed, order=spec.order)
    return Schedule(spec, sampler, past)


def record(folder: Path, number: int, status: Status | None, **flags: Any) -> Path:
    """A run as a search leaves it; without a status as a search that was killed does."""
    values = {flag.name: flags.get(flag.name, flag.default) for flag in DECLARED}
    run_dir = create_run(folder, {"number": number, "flags": values})
    recorder = Recorder(run_dir)
    recorder.log({"val_loss": float(number)})
    recorder.close()
    if status is not None:
        finish_run(run_dir, status=status)
    return run_dir


def search(spec: Study, folder: Path, stop_after: int | None = None) -> list[Assignment]:
    """Run what is left at two workers and complete it; or be killed after so many trials have begun."""
    dealt: list[Assignment] = []
    running: list[tuple[Assignment, Path]] = []
    planned = schedule(spec, folder)
    for assignment in planned.assignments():
        if len(dealt) == stop_after:
            mark_cut_off(folder)
            return dealt
        dealt.append(assignment)
        running.append((assignment, record(folder, assignment.number, None, **assignment.values)))
        if len(running) == 2:
            done, run_dir = running.pop(0)
            finish_run(run_dir, status=Status.COMPLETED)
            planned.tell(done, Verdict(Status.COMPLETED, None, 0.5))
    for _, run_dir in running:
        finish_run(run_dir, status=Status.COMPLETED)
    return dealt


def completed(folder: Path) -> Counter[str]:
    finals = [path.parent for path in folder.glob("*/outcome.json")]
    past = read_past(folder, DECLARED, 1)
    assert len(finals) >= len(past.finals)
    return Counter(key for key, run in past.finals.items() if run.status is Status.COMPLETED)


def keys(assignments: list[Assignment]) -> list[str]:
    return [content(assignment.values) for assignment in assignments]


@pytest.mark.parametrize("sampler", ["grid", "random"])
def test_cut_off_runs_of_one_point_are_one_trial(sampler: str, tmp_path: Path) -> None:
    record(tmp_path, 3, Status.INTERRUPTED, a=1)
    record(tmp_path, 3, Status.INTERRUPTED, a=2)
    record(tmp_path, 5, Status.INTERRUPTED, a=1)
    spec = study(sampler=sampler)
    dealt = list(schedule(spec, tmp_path).assignments())
    assert len(dealt) == len(set(keys(dealt))) == 12
    assert {content({"a": a, "b": 1, "lr": 0.1}) for a in (1, 2)} == set(keys(dealt)[:2])
    assert len({assignment.number for assignment in dealt}) == 12


def test_a_point_that_ran_out_of_memory_is_alone_after_a_resume_too(tmp_path: Path) -> None:
    record(tmp_path, 0, Status.INTERRUPTED, a=3)
    record(tmp_path, 1, Status.OOM, a=2)
    record(tmp_path, 1, Status.INTERRUPTED, a=2)  # the search was killed while it ran alone
    first, *others = schedule(study(), tmp_path).assignments()
    assert first.alone
    assert (first.number, first.values["a"], first.attempt) == (1, 2, 2)
    assert len(others) == 11
    assert not any(assignment.alone for assignment in others)


def test_numbers_are_places_where_the_plan_has_not_changed(tmp_path: Path) -> None:
    plan = [content(study().values(GRID.point(place))) for place in GRID.order(7)]
    for stop_after in (1, 4, 3, None):
        for assignment in search(study(), tmp_path, stop_after):
            assert plan[assignment.number] == content(assignment.values)
    assert set(completed(tmp_path)) == set(plan)


@pytest.mark.parametrize("sampler", ["grid", "random"])
def test_after_a_change_of_the_space_no_two_points_share_a_number(sampler: str, tmp_path: Path) -> None:
    numbers: dict[int, set[str]] = {}
    specs = [
        study(Space({"a": [1, 2], "b": [1, 2]})),
        study(Space({"a": [2, 3], "b": [1, 2], "lr": [0.1, 0.2]}), sampler=sampler),
        study(Space({"a": [2, 3, 4], "b": [1, 2], "lr": [0.1, 0.2]}), sampler=sampler),
        study(),
    ]
    for spec in specs:
        for stop_after in (2, None):
            for assignment in search(spec, tmp_path, stop_after):
                numbers.setdefault(assignment.number, set()).add(content(assignment.values))
    assert all(len(points) == 1 for points in numbers.values())
    seeds = [study().trial_seed(number) for number in numbers]
    assert len(set(seeds)) == len(seeds)


def test_a_repeat_that_is_missing_gets_the_number_of_its_place(tmp_path: Path) -> None:
    spec = study(planned=24, repeats=2)
    whole = list(schedule(spec, tmp_path).assignments())
    record(tmp_path, 0, Status.COMPLETED, **whole[0].values)
    rest = list(schedule(spec, tmp_path).assignments())
    assert [(trial.number, trial.repeat, trial.values) for trial in rest] == [
        (trial.number, trial.repeat, trial.values) for trial in whole[1:]
    ]


@pytest.mark.parametrize("stop_after", range(1, 8))
def test_the_numbers_after_a_change_do_not_depend_on_interruptions(stop_after: int, tmp_path: Path) -> None:
    found = []
    for folder, stops in ((tmp_path / "whole", [None]), (tmp_path / "cut", [stop_after, None])):
        folder.mkdir()
        search(study(Space({"a": [1, 2], "b": [1, 2]})), folder)
        dealt = [
            one for stop in stops for one in search(study(Space({"a": [2, 3, 4], "b": [1, 2]})), folder, stop)
        ]
        found.append({content(one.values): one.number for one in dealt})
    assert found[0] == found[1]


@pytest.mark.parametrize("sampler", ["grid", "random"])
def test_runs_with_other_fixed_values_settle_nothing(sampler: str, tmp_path: Path) -> None:
    record(tmp_path, 0, Status.COMPLETED, a=1, lr=0.5)
    record(tmp_path, 1, Status.COMPLETED, a=2)
    planned = schedule(study(sampler=sampler), tmp_path)
    assert [run.flags["a"] for run in planned.settled] == [2]
    assert len(list(planned.assignments())) == 11


def test_a_flag_that_runs_do_not_know_counts_with_its_default(tmp_path: Path) -> None:
    run_dir = create_run(tmp_path, {"number": 0, "flags": {"a": 1, "b": 1}})
    finish_run(run_dir, status=Status.COMPLETED)
    for sampler in ("grid", "random"):
        spec = study(Space({"a": [1], "b": [1], "lr": [0.1, 0.2]}), sampler=sampler)
        assert [one.values["lr"] for one in schedule(spec, tmp_path).assignments()] == [0.2]


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(("sampler", "space"), [("grid", GRID), ("random", GRID), ("random", RANGES)])
def test_a_search_cut_off_anywhere_completes_just_what_was_planned(
    sampler: str, space: Space, seed: int, tmp_path: Path
) -> None:
    chance = random.Random(seed)
    spec = study(space, sampler=sampler, planned=9)
    for round in range(5):
        search(spec, tmp_path, chance.randint(0, 4))
        ended = sorted(tmp_path.glob("*/outcome.json"))
        if ended and round == 2:
            write_json(chance.choice(ended), {"status": "killed"})
    search(spec, tmp_path)
    assert sum(completed(tmp_path).values()) == len(completed(tmp_path)) == 9
    grown = replace(spec, planned=11)
    assert len(search(grown, tmp_path)) == 2
    assert sum(completed(tmp_path).values()) == 11
    assert search(grown, tmp_path) == []


def test_ends_to_rerun() -> None:
    assert ends_to_rerun("failed, timeout") == ends_to_rerun(["timeout", "failed"]) == {"failed", "timeout"}
    assert ends_to_rerun(()) == ends_to_rerun("") == frozenset()
    assert ends_to_rerun([status.value for status in RERUN]) == set(RERUN)
    for asked in ("completed", ["completed"]):
        with pytest.raises(StudyError, match=r"rerun: unknown end 'completed' \(known: failed, diverged"):
            ends_to_rerun(asked)
    with pytest.raises(StudyError, match="did you mean 'failed'"):
        ends_to_rerun("failde")
