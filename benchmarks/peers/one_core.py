"""What one core does of a step's arithmetic: `python one_core.py DATA RESULT.json`, threads set outside.

Counted are the floating-point operations of the matrix products alone, two for each multiplication and its
addition: a dense layer's outputs, the gradients of its weights and, but for the first, of its inputs.
"""

import json
import sys
import time
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import tensorflow as tf
from work import Work, build, load

BATCH, HELD_OUT = 128, 0.2
NODES = (256, 128, 64)
REPEATS = 64
SIDE = 2048


def products(widths: list[int]) -> list[tuple[int, int, int]]:
    """The matrix products of one step, as (rows, common side, columns)."""
    found = []
    for number, (inner, outer) in enumerate(pairwise(widths)):
        found += [(BATCH, inner, outer), (inner, BATCH, outer)]
        if number:
            found.append((BATCH, outer, inner))
    return found


def operations(shapes: list[tuple[int, int, int]]) -> int:
    """Multiplications and additions of matrix products."""
    return sum(2 * rows * common * columns for rows, common, columns in shapes)


def rate(shapes: list[tuple[int, int, int]], repeats: int) -> float:
    """GFLOP/s of products that are computed again and again."""
    pairs = [(tf.random.normal((a, b)), tf.random.normal((b, c))) for a, b, c in shapes]

    def again(times: Any) -> Any:
        total = tf.zeros(())
        for _ in tf.range(times):
            for left, right in pairs:
                # Each needs the one before, so that none is left out or taken out of the loop.
                total += tf.matmul(left + total * 1e-30, right)[0, 0]
        return total

    run = tf.function(again)
    return repeats * operations(shapes) / 1e9 / best(lambda: run(tf.constant(repeats)).numpy())


def best(run: Callable[[], object], tries: int = 5) -> float:
    """The least seconds of some tries, after one that doesn't count."""
    run()
    found = []
    for _ in range(tries):
        began = time.perf_counter()
        run()
        found.append(time.perf_counter() - began)
    return min(found)


def main(data: str) -> dict[str, float]:
    """All figures."""
    x, y = load(data)
    kept = int(len(x) * (1 - HELD_OUT))
    x, y = x[:kept], y[:kept]
    shapes = products([x.shape[1], *NODES, 10])
    each = operations(shapes) * (kept / BATCH) / 1e9
    found = {
        f"a product of two matrices of {SIDE:,} x {SIDE:,}": rate([(SIDE, SIDE, SIDE)], 2),
        "the matrix products of a step, alone": rate(shapes, REPEATS),
    }
    point = {
        **{f"nodes{i}": units for i, units in enumerate(NODES, 1)},
        **dict.fromkeys(("dropout1", "dropout2", "dropout3"), 0.3),
        "optimizer": "rmsprop",
    }
    for steps in (1, 64):
        model = build(point, x.shape[1], Work([], data, steps_per_execution=steps))
        epoch = partial(model.fit, x, y, batch_size=BATCH, verbose=0)
        found[f"fit(), steps_per_execution={steps}"] = each / best(epoch, 3)
    return found


if __name__ == "__main__":
    Path(sys.argv[2]).write_text(json.dumps(main(sys.argv[1])))
