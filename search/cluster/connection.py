"""This process's connection to a Ray cluster: made, kept quiet, and ended.

Ray's usage statistics are off unless the user has turned them on. A cluster that is started here lasts as
long as the connection; it listens on more than loopback, because Ray does (docs/cluster.md says on what), but
answers only to who has its token.
"""

import contextlib
import importlib
import logging
import os
import shlex
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

from search.cluster.settings import Cluster
from search.executor import ExecutorError
from search.limits import cores, gpus

INSTALL = "the executor 'ray' needs Ray, which isn't installed: pip install 'gridruns[ray]'"
# Of a trial that fails Ray's own log says nothing that the run's outcome doesn't.
LOGGED = logging.ERROR
KNOCK = 10.0  # seconds in which a cluster must answer
# Ray takes 127.0.0.1 for a mistake and puts an address that others reach in its place; not so another of
# Linux's loopback network, to which at least some of its services then keep.
LOOPBACK = "127.0.0.2"

_LOG = logging.getLogger(__name__)


def import_ray() -> Any:
    """The package, without its usage statistics.

    Raises:
        ExecutorError: It isn't installed.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
    except ImportError:
        raise ExecutorError(INSTALL) from None
    return ray


class Connection:
    """A connection to a cluster, or to one that this process has had before, which is left as it was.

    Attributes:
        ray: The package.
        started: Whether the cluster was started here, so that no node ever joins it.
    """

    def __init__(self, cluster: Cluster) -> None:
        """Connect, or start Ray on this machine.

        Raises:
            ExecutorError: Ray isn't installed, or there is no such cluster.
        """
        self.ray = import_ray()
        self._quiet = contextlib.ExitStack()
        self._ours = not self.ray.is_initialized()
        self.started = self._ours and cluster.address is None
        if not self._ours:
            if cluster.address not in (None, "auto", self.ray.get_runtime_context().gcs_address):
                raise ExecutorError(
                    f"address is {cluster.address!r}, but this process is connected to another Ray cluster; "
                    "call ray.shutdown() first"
                )
            return
        try:
            _knock(cluster.address)
            with _signals_kept(), _command_line_hidden():
                self.ray.init(**_arguments(cluster.address))
        except Exception as error:  # Ray raises anything, Exception itself where a start takes too long
            what = "started on this machine" if cluster.address is None else f"reached at {cluster.address!r}"
            raise ExecutorError(f"Ray can't be {what}: {_why(error)}") from None
        self._quiet.enter_context(_silence())

    def nodes(self) -> list[dict[str, Any]]:
        """The nodes that are alive, as Ray describes them.

        Raises:
            ExecutorError: The cluster can't be reached any more.
        """
        with reaching():
            return [node for node in self.ray.nodes() if node["Alive"]]

    def close(self) -> None:
        """Disconnect, which ends a cluster that was started here."""
        if self._ours and self.ray.is_initialized():
            self.ray.shutdown()
        self._quiet.close()


@contextlib.contextmanager
def reaching() -> Iterator[None]:
    """Make one line of whatever Ray raises in the block, since its connection is lost.

    Raises:
        ExecutorError: Instead.
    """
    try:
        yield
    except Exception as error:  # Ray raises anything, of a lost client Exception itself
        raise ExecutorError(f"the Ray cluster can't be reached any more: {_why(error)}") from None


def _knock(address: str | None) -> None:
    """See whether anybody listens at an address; Ray itself would try for minutes.

    Raises:
        OSError: Nobody does.
    """
    host, _, port = (address or "").removeprefix("ray://").rpartition(":")
    if host and port.isdigit():
        socket.create_connection((host.strip("[]"), int(port)), KNOCK).close()


def _arguments(address: str | None) -> dict[str, Any]:
    quiet = {"log_to_driver": False, "logging_level": LOGGED}
    if address is not None:
        return {"address": address, **quiet}
    ours = {
        "address": "local",
        "num_cpus": cores(),
        "num_gpus": len(gpus()),
        "include_dashboard": False,
        **quiet,
    }
    return {**ours, "_node_ip_address": LOOPBACK} if sys.platform == "linux" else ours


@contextlib.contextmanager
def _signals_kept() -> Iterator[None]:
    """Take back what Ray makes of SIGTERM."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _command_line_hidden() -> AbstractContextManager[None]:
    """Keep passwords from what Ray notes of this process, and shows to all who see the cluster's jobs."""
    return _instead("utils", "get_entrypoint_name", lambda: shown(sys.argv))


def shown(words: Sequence[str]) -> str:
    """A command line without its URLs, which may have passwords."""
    return shlex.join("***" if "://" in word else word for word in words)


def _silence() -> AbstractContextManager[None]:
    """Keep off the user's screen what Ray says of workers that died: the search says that itself."""

    def note(data: Mapping[str, Any], ignore_prefix: object) -> None:
        _LOG.debug("%s", "\n".join(data["lines"]))

    return _instead("worker", "print_to_stdstream", note)


@contextlib.contextmanager
def _instead(module: str, name: str, other: Callable[..., Any]) -> Iterator[None]:
    """Put `other` in the place of a function of `ray._private`, if it is there: no interface promises it."""
    try:
        owner = importlib.import_module(f"ray._private.{module}")
        before = getattr(owner, name)
    except (ImportError, AttributeError):
        yield
        return
    setattr(owner, name, other)
    try:
        yield
    finally:
        setattr(owner, name, before)


def _why(error: BaseException) -> str:
    """The first line of what is wrong; Ray hides a missing token behind a failed connection."""
    lines = str(error.__cause__ or error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
