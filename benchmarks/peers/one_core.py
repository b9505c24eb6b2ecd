"""What one core does of a step's arithmetic: `python one_core.py DATA RESULT.json`, threads set outside.

Counted are the floating-point operations of the matrix products alone, two for each multiplication and its
addition: a dense layer's outputs, the gradients of its weights and, but for the first, of its inputs. What
goes on around them is shown by an epoch's seconds as one part after another is left out.
"""

import json
import sys
import time
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf
from work import load

BATCH, HELD_OUT = 128, 0.2
NODES = (256, 128, 64)
REPEATS = 64
SIDE = 2048
STEPS = 64


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


def seconds_of(shapes: list[tuple[int, int, int]], repeats: int) -> float:
    """Seconds of products that are computed again and again."""
    pairs = [(tf.random.normal((a, b)), tf.random.normal((b, c))) for a, b, c in shapes]

    def again(times: Any) -> Any:
        total = tf.zeros(())
        for _ in tf.range(times):
            for left, right in pairs:
                # Each needs the one before, so that none is left out or taken out of the loop.
                total += tf.matmul(left + total * 1e-30, right)[0, 0]
        return total

    run = tf.function(again)
    return best(lambda: run(tf.constant(repeats)).numpy()) / repeats


def epoch(x: Any, y: Any, steps: int = STEPS, rest: str = "batch normalisation, dropout, rmsprop") -> float:
    """Seconds of an epoch of the network with `rest` around its dense layers."""
    model = keras.Sequential([keras.Input((x.shape[1],))])
    for units in NODES:
        model.add(keras.layers.Dense(units, activation="relu"))
        if "batch normalisation" in rest:
            model.add(keras.layers.BatchNormalization())
        if "dropout" in rest:
            model.add(keras.layers.Dropout(0.3))
    model.add(keras.layers.Dense(10, activation="softmax"))
    model.compile(
        "rmsprop" if "rmsprop" in rest else "sgd",
        "categorical_crossentropy",
        metrics=["accuracy"],
        steps_per_execution=steps,
    )
    return best(partial(model.fit, x, y, batch_size=BATCH, verbose=0), 3)


def best(run: Callable[[], object], tries: int = 5) -> float:
    """The least seconds of some tries, after one that doesn't count."""
    run()
    found = []
    for _ in range(tries):
        began = time.perf_counter()
        run()
        found.append(time.perf_counter() - began)
    return min(found)


def main(data: str) -> dict[str, dict[str, float]]:
    """GFLOP/s, and seconds of an epoch as less and less is done in it."""
    x, y = load(data)
    kept = int(len(x) * (1 - HELD_OUT))
    x, y = x[:kept], y[:kept]
    shapes, large = products([x.shape[1], *NODES, 10]), [(SIDE, SIDE, SIDE)]
    bare = seconds_of(shapes, REPEATS) * kept / BATCH
    each = operations(shapes) * kept / BATCH / 1e9
    whole = {steps: epoch(x, y, steps) for steps in (1, STEPS)}
    rates = {
        f"a product of two matrices of {SIDE:,} x {SIDE:,}": operations(large) / 1e9 / seconds_of(large, 2),
        "the matrix products of a step, alone": each / bare,
        **{f"fit(), steps_per_execution={steps}": each / taken for steps, taken in whole.items()},
    }
    seconds = {
        "one step a call": whole[1],
        f"{STEPS} steps a call": whole[STEPS],
        "and without dropout": epoch(x, y, rest="batch normalisation, rmsprop"),
        "and without batch normalisation": epoch(x, y, rest="rmsprop"),
        "and with sgd, the plainest optimizer": epoch(x, y, rest=""),
        "the matrix products alone": bare,
    }
    return {"rates": rates, "seconds": seconds}


if __name__ == "__main__":
    Path(sys.argv[2]).write_text(json.dumps(main(sys.argv[1])))
