import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = (
    "tensorflow",
    "keras",
    "keras_tuner",
    "tensorboard",
    "pandas",
    "numpy",
    "yaml",
    "ruamel.yaml",
    "optuna",
)


def loaded_by(code: str) -> set[str]:
    program = f"{code}\nimport sys\nprint(*[name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize(
    "code",
    [
        "import results",
        "from results import log_metrics, run_dir, is_run_active, write_run_metadata",
        "import results.runs, results.keras_hooks, results.board; results.log_metrics(1, loss=2.0)",
    ],
)
def test_a_training_script_pays_for_nothing_that_it_does_not_use(code: str) -> None:
    assert loaded_by(code) == set()


def test_tables_take_pandas_and_no_more() -> None:
    assert loaded_by("from results import leaderboard, ls_runs") == {"pandas", "numpy"}


def test_event_files_are_written_without_tensorflow(tmp_path: Path) -> None:
    code = (
        "from results.recorder import Recorder\nfrom results.tensorboard import *\n"
        f"r = Recorder({str(tmp_path)!r}); r.log({{'loss': 1.0, 'val_loss': 2.0}}); r.close()\n"
        f"write_session_start(r.run_dir, {{'lr': 0.1}}, 'x'); write_session_end(r.run_dir, Status.COMPLETED)"
    )
    assert loaded_by(code) == {"tensorboard", "numpy"}


def test_an_unknown_name_is_an_attribute_error_and_the_known_are_listed() -> None:
    import results

    with pytest.raises(AttributeError, match="module 'results' has no attribute 'nothing'"):
        results.nothing  # noqa: B018
    assert set(results.__all__) <= set(dir(results))
    assert all(callable(getattr(results, name)) for name in results.__all__)
