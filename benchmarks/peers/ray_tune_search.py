"""Ray Tune's function trainable as its guide has it: `tune.Tuner` with a grid, trials at once on all cores.

https://docs.ray.io/en/latest/tune/getting-started.html: a trial has one core unless it is told otherwise.
"""

import os
import sys
import tempfile
from typing import Any

from work import Found, Work, load, main, trial


def search(work: Work) -> Found:
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
    with tempfile.TemporaryDirectory() as folder:
        kept = tune.RunConfig(storage_path=folder)
        results = tune.Tuner(train, param_space={"number": numbers}, run_config=kept).fit()
        assert not results.errors, results.errors
        losses = {one.config["number"]: list(one.metrics_dataframe["val_loss"]) for one in results}
    best = results.get_best_result("val_loss", "min", scope="all")
    return Found(losses, best.config["number"])


if __name__ == "__main__":
    main(search)
