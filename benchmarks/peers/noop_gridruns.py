"""Trials that do nothing, by gridruns: `python noop_gridruns.py SCRIPT TRIALS RESULT.json EXECUTOR WORKERS`.

Writes the milliseconds between two ends of trials, in their order.
"""

import itertools
import json
import sys
import tempfile
from pathlib import Path

from harness import ends

from search import tuning_run
from spaces import Int

if __name__ == "__main__":
    script, count, executor, workers = sys.argv[1], int(sys.argv[2]), sys.argv[4], int(sys.argv[5])
    with tempfile.TemporaryDirectory() as scratch:
        values = {"x": Int(0, count - 1)}
        tuning_run(
            script, values, study="noop", executor=executor, workers=workers, runs_dir=scratch, quiet=True
        )
        moments = ends(Path(scratch) / "noop")
    gaps = [1000 * (after - before) for before, after in itertools.pairwise(moments)]
    Path(sys.argv[3]).write_text(json.dumps(gaps))
