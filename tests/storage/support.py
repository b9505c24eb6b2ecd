"""Searches on one database, and what the database says of them."""

import json
import subprocess
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import optuna
import sqlalchemy
from optuna.trial import FrozenTrial, TrialState

from results import layout, leaderboard
from tests.faults import support

# A training that ends only with a token, so that a test says how far a search comes before something happens.
GATED = """
import os, time
from results import log_metrics
from spaces import flag_integer, flags
FLAGS = flags(flag_integer("a", 1), flag_integer("b", 1))

def taken():
    for token in os.listdir({tokens!r}):
        try:
            os.unlink(os.path.join({tokens!r}, token))
            return True
        except FileNotFoundError:
            continue
    return False

for epoch in (1, 2, 3):
    while epoch == 3 and not taken():
        time.sleep(0.005)
    log_metrics(epoch, val_loss=FLAGS.a + FLAGS.b / 10 + 1 / epoch)
"""
PATIENCE = 300.0  # seconds: two searches at once, each of which imports TensorFlow
GRID = ["--set", "a=1,2,3,4", "--set", "b=1,2,3"]
TUNE = ["tune", "train.py", *GRID, "--seed", "7", "--workers", "2", "--study", "s", "--quiet"]
POINTS = {(a, b) for a in (1, 2, 3, 4) for b in (1, 2, 3)}


def wait_until(condition: Callable[[], object], what: str) -> None:
    """Look until `condition` holds."""
    support.wait_until(condition, what, PATIENCE)


def gridruns(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run gridruns to its end."""
    with support.started(*arguments) as process:
        out, err = process.communicate(timeout=PATIENCE)
    return subprocess.CompletedProcess(arguments, process.returncode, out, err)


def count(name: str, *folders: str) -> int:
    """How many files of this name the runs of the study have, in all these runs directories."""
    return sum(len(list(Path(folder).glob(f"s/*/{name}"))) for folder in folders)


def running(*folders: str) -> int:
    """How many runs have begun and not ended."""
    return count(layout.RUN, *folders) - count(layout.OUTCOME, *folders)


def gate(folder: Path) -> None:
    """Write a training script that ends only with a token."""
    (folder / "tokens").mkdir()
    Path("train.py").write_text(GATED.format(tokens=str(folder / "tokens")))


def grant(count: int) -> None:
    """Let so many trials come to their end."""
    for _ in range(count):
        Path("tokens", str(uuid.uuid4())).touch()


def trials(url: str, name: str = "s", *states: TrialState) -> list[FrozenTrial]:
    """The trials of a study as any reader of the database sees them; none where it isn't made yet."""
    with opened(url, name) as found:
        return [] if found is None else found.get_trials(deepcopy=False, states=states or None)


@contextmanager
def opened(url: str, name: str = "s") -> Iterator[optuna.Study | None]:
    """A study as any reader of the database sees it; None where it isn't made yet."""
    text = url.replace("postgresql://", "postgresql+psycopg://")
    engine = sqlalchemy.create_engine(text)
    try:
        # Whoever makes Optuna's tables does this last; a reader that came before would make them, too.
        there = "alembic_version" in sqlalchemy.inspect(engine).get_table_names()
        if there:
            with engine.connect() as connection:
                there = bool(list(connection.execute(sqlalchemy.text("SELECT * FROM alembic_version"))))
    finally:
        engine.dispose()
    if not there:
        yield None
        return
    storage = optuna.storages.RDBStorage(text.replace("{", "{{").replace("}", "}}"))
    try:
        names = [study.study_name for study in storage.get_all_studies()]
        yield optuna.load_study(study_name=name, storage=storage) if name in names else None
    finally:
        storage.remove_session()
        storage.engine.dispose()


def completed(*folders: str) -> Counter[tuple[int, int]]:
    """How often each point was completed, in all these runs directories together."""
    found: Counter[tuple[int, int]] = Counter()
    for folder in folders:
        if Path(folder).is_dir():
            board = leaderboard(folder)
            done = board[board["status"] == "completed"]
            if len(done):
                found.update((int(a), int(b)) for a, b in zip(done["flag_a"], done["flag_b"], strict=True))
    return found


def once(points: set[Any] = POINTS) -> Counter[Any]:
    """Each point once."""
    return Counter(points)


def record(folder: str = "runs/s") -> dict[str, Any]:
    """The study.json of a study."""
    found: dict[str, Any] = json.loads(Path(folder, "study.json").read_text())
    return found
