"""Ray Tune's function trainable as its guide has it: `tune.Tuner` with a grid, trials at once on all cores.

https://docs.ray.io/en/latest/tune/getting-started.html: a trial has one core unless it is told otherwise.
"""

import os
import sys
from typing import Any

from work import Work, load, main, trial


def search(work: Work) -> dict[int, list[float]]:
    """Run all points, a core each."""
    import ray
    from ray import tune

    def train(config: dict[str, Any]) -> None:
        x, y = load(work.data)
        losses = trial(config["number"], work, x, y)
        for loss in losses:
            tune.report({"val_loss": loss})

    here = os.path.dirname(os.path.abspath(__file__))
    ray.init(runtime_env={"env_vars": {"PYTHONPATH": os.pathsep.join([here, *sys.path])}})
    numbers = tune.grid_search(list(range(len(work.points))))
    results = tune.Tuner(train, param_space={"number": numbers}).fit()
    assert not results.errors, results.errors
    return {one.config["number"]: list(one.metrics_dataframe["val_loss"]) for one in results}


if __name__ == "__main__":
    main(search)
