"""A run's saved model, loaded in a process of its own, and what it makes of the run's held-out set.

TensorFlow costs seconds and gigabytes, so neither the command line nor a notebook loads it for this.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from results import layout
from results.errors import ResultsError
from results.files import encode, number, read_json
from results.kept import read_held_out

if TYPE_CHECKING:
    from numpy.typing import NDArray

_OURS = Path(__file__).resolve().parent.parent
_FOUND, _OUTPUTS = "found.json", "outputs.npz"


@dataclass(frozen=True)
class Answers:
    """What a model says of a held-out set.

    Attributes:
        metrics: The loss and every metric that it was compiled with, as its `evaluate()` finds them; without
            those that are no single number.
        outputs: What its `predict()` returns, (n, ...).
        logits: Whether its loss takes its outputs for logits.
    """

    metrics: Mapping[str, float]
    outputs: "NDArray[Any]"
    logits: bool


def ask_model(run_dir: Path) -> Answers:
    """Let the model of a run evaluate and predict its held-out set, in a new process.

    Raises:
        ResultsError: The model can't be loaded, can't take the data, or is no classifier of them.
    """
    import numpy as np

    program = f"import sys; sys.path.append({str(_OURS)!r}); from results.predicting import main; main()"
    with tempfile.TemporaryDirectory(prefix="gridruns-") as folder:
        done = subprocess.run(
            [sys.executable, "-P", "-c", program, str(run_dir.absolute()), folder],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            env={"TF_CPP_MIN_LOG_LEVEL": "3", **os.environ},
            check=False,
        )
        found = read_json(Path(folder) / _FOUND)
        if done.returncode != 0 or found is None:
            lines = [line for line in done.stderr.splitlines() if line.strip()]
            why = (found or {}).get("problem") or (lines[-1] if lines else f"exit code {done.returncode}")
            raise ResultsError(f"the model of run {run_dir.name} can't be evaluated: {why}")
        with np.load(Path(folder) / _OUTPUTS, allow_pickle=False) as arrays:
            outputs = arrays["outputs"]
    metrics = {name: value for name, raw in found["metrics"].items() if (value := number(raw)) is not None}
    return Answers(metrics, outputs, bool(found["logits"]))


def main() -> None:
    """The child: load, evaluate, predict, write. Arguments: the run's directory, a folder for the answer."""
    run_dir, folder = map(Path, sys.argv[1:])
    import numpy as np

    try:
        answers = _answers(run_dir)
    except ResultsError as error:
        problem = str(error)
    except (OSError, ValueError, TypeError, KeyError, RuntimeError, AttributeError) as error:
        words = next((line for line in str(error).splitlines() if line.strip()), "")
        problem = f"{type(error).__name__}: {words}"
    else:
        np.savez(folder / _OUTPUTS, outputs=answers.outputs)
        (folder / _FOUND).write_text(encode({"metrics": answers.metrics, "logits": answers.logits}))
        return
    (folder / _FOUND).write_text(json.dumps({"problem": problem}))
    sys.exit(1)


def _answers(run_dir: Path) -> Answers:
    import numpy as np

    from results.classes import predictions, probabilities
    from results.keras_hooks import single_numbers

    data = read_held_out(run_dir)
    import keras  # after what needs none

    size = {} if data.batch_size is None else {"batch_size": data.batch_size}
    # safe_mode: a file that holds Python code is refused.
    model = keras.saving.load_model(run_dir / layout.MODEL, safe_mode=True)
    # Keras would trace the network once for each step of a call, and the numbers are the same.
    model.steps_per_execution = 1
    outputs = model.predict(data.x, verbose=0, **size)
    if not hasattr(outputs, "shape"):
        raise ResultsError(f"it has {len(outputs)} outputs, not one")
    outputs = np.asarray(outputs, dtype=np.float64)
    logits = getattr(model.loss, "from_logits", False) is True
    predictions(data.y, probabilities(outputs, logits))  # an error here says more than TensorFlow's below
    found = model.evaluate(data.x, data.y, verbose=0, return_dict=True, **size)
    return Answers(single_numbers(found, "evaluate()"), outputs, logits)
