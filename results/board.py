"""TensorBoard on a directory of runs, in this process, without importing TensorFlow."""

import contextlib
import importlib
import logging
import os
import sys
import threading
import types

from results.errors import ResultsError


def launch(
    runs_dir: str | os.PathLike[str], host: str = "127.0.0.1", port: int = 6006, reload_seconds: int = 5
) -> str:
    """Start TensorBoard in a thread that ends with this process.

    Args:
        runs_dir: A runs directory, a study's or a run's.
        host: The address to listen on.
        port: In [0, 65535]; 0 takes a free one.
        reload_seconds: Between two looks at the runs, at least 1.

    Returns:
        Its URL.

    Raises:
        ResultsError: No such directory, a port that is taken or isn't one, an address that isn't ours.
    """
    if not os.path.isdir(runs_dir):
        raise ResultsError(f"no directory of runs at {str(runs_dir)!r}")
    if not 0 <= port <= 65535:
        raise ResultsError(f"port must be in [0, 65535], but got {port}")
    program = _program()
    board = program.TensorBoard()
    board.configure(
        logdir=str(runs_dir), host=host, port=port, load_fast=_load_fast(), reload_interval=reload_seconds
    )
    try:
        url: str = board.launch()
    except program.TensorBoardServerException as error:
        raise ResultsError(error.msg) from None
    return url


def serve(runs_dir: str | os.PathLike[str], host: str = "127.0.0.1", port: int = 6006) -> None:
    """Start TensorBoard, print its URL and wait for Ctrl-C; arguments and errors are those of `launch`."""
    url = launch(runs_dir, host, port)
    with contextlib.suppress(KeyboardInterrupt):
        print(f"TensorBoard on {str(runs_dir)!r}: {url} (Ctrl-C ends it)", flush=True)
        threading.Event().wait()


def _program() -> types.ModuleType:
    # With a module of this name TensorBoard uses its own stub in place of TensorFlow.
    sys.modules.setdefault("tensorboard.compat.notf", types.ModuleType("tensorboard.compat.notf"))
    program = importlib.import_module("tensorboard.program")
    # It logs a line for every request that a browser makes.
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    return program


def _load_fast() -> str:
    """Return "true" where this platform has the fast loader; left to choose, TensorBoard prints a notice."""
    ingester = importlib.import_module("tensorboard.data.server_ingester")
    try:
        ingester.get_server_binary()
    except ingester.NoDataServerError:
        return "false"
    return "true"
