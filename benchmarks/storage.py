"""What a study in a database costs: claiming a point and telling its result, alone and with others at once.

    python benchmarks/storage.py sqlite:////tmp/studies.db postgresql://me@localhost/empty

Trials do nothing here, so all that is measured is the schedule's own work, in milliseconds a trial; the first
line is without a database. Searches that run at once wait for each other's turns; the CPU time is that of a
search, without the server's. Figures: docs/storage.md.
"""

import subprocess
import sys
import tempfile
import time
import uuid
from contextlib import nullcontext
from pathlib import Path

from results.status import Status
from search.engine import study_sampler
from search.objective import Verdict
from search.past import NOTHING
from search.pruners import read_pruner
from search.schedule import Schedule
from search.script import Script
from search.storage.link import opened_link
from search.study import Metric, Study
from spaces import Flag, Space
from spaces.kinds import FlagKind

TRIALS = 100  # of each search
STEPS = 20  # that a trial reports to its pruner


def study(name: str, searches: int, pruned: bool) -> Study:
    """A study of ten flags."""
    names = [f"flag{place}" for place in range(10)]
    return Study(
        name=name,
        script=Script(Path("none.py"), "none.py", {Path("none.py"): ""}, ()),
        declared=[Flag(flag, FlagKind.INTEGER, 1) for flag in names],
        base={},
        space=Space({flag: [1, 2, 3] for flag in names}),
        planned=TRIALS * searches,
        sampler="grid",
        order="random",
        metric=Metric(),
        seed=1,
        pruner=read_pruner("median:n_startup_trials=1000000") if pruned else None,
    )


def search(url: str | None, name: str, searches: int, pruned: bool) -> tuple[float, float]:
    """Run one search's trials; the seconds of one, and those of the CPU."""
    spec = study(name, searches, pruned)
    with nullcontext() if url is None else opened_link(url) as link:
        schedule: Schedule
        if link is None:
            schedule = Schedule(spec, study_sampler(spec))
        else:
            spec = link.agree(spec, seed_is_drawn=False)
            schedule = link.schedule(spec, study_sampler(spec), NOTHING, (), Path("none"))
        begun, worked = time.perf_counter(), time.process_time()
        for _ in range(TRIALS):
            assignment = schedule.next()
            while assignment is None:  # another search held the lock for long
                time.sleep(0.01)
                assignment = schedule.next()
            schedule.started(assignment, Path("run"))
            for step in range(STEPS if pruned else 0):
                schedule.report(assignment, step, {"val_loss": 1.0})
            schedule.tell(assignment, Verdict(Status.COMPLETED, None, 1.0))
        seconds, work = time.perf_counter() - begun, time.process_time() - worked
        schedule.close()
    return seconds / TRIALS, work / TRIALS


def together(url: str | None, searches: int, pruned: bool) -> tuple[float, float]:
    """The same where so many searches run at once, each in a process of its own: their means."""
    name = f"s{uuid.uuid4().hex[:8]}"
    arguments = [sys.executable, __file__, "--one", url or "", name, str(searches), str(int(pruned))]
    processes = [subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) for _ in range(searches)]
    found = [process.communicate()[0].split() for process in processes]
    seconds, work = zip(*found, strict=True)
    return sum(map(float, seconds)) / searches, sum(map(float, work)) / searches


def main() -> None:
    """Print a table."""
    if sys.argv[1:2] == ["--one"]:
        url, name, count, pruned = sys.argv[2:]
        print(*search(url or None, name, int(count), pruned == "1"))
        return
    with tempfile.TemporaryDirectory() as folder:
        urls = sys.argv[1:] or [f"sqlite:///{folder}/studies.db"]
        print(f"{'':12}{'searches':>9}{'ms a trial':>12}{'CPU':>8}{f'with {STEPS} steps':>16}{'CPU':>8}")
        for place in (None, *urls):
            kind = (place or "memory").split(":")[0]
            for searches in (1,) if place is None else (1, 2, 4, 8):
                plain, stepped = (together(place, searches, wanted) for wanted in (False, True))
                figures = [1000 * seconds for seconds in (*plain, *stepped)]
                cells = "".join(f"{x:{width}.1f}" for x, width in zip(figures, (12, 8, 16, 8), strict=True))
                print(f"{kind:12}{searches:9}{cells}", flush=True)


if __name__ == "__main__":
    main()
