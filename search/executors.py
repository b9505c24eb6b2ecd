"""The table of executors: names, and what builds them."""

import importlib
from dataclasses import replace
from typing import cast

from gridruns import GridrunsError, unknown
from search import limits
from search.cluster.settings import Cluster
from search.executor import Executor, Resources
from search.script import Script

EXECUTORS = {
    "local": "search.local:LocalExecutor",
    "inline": "search.inline:InlineExecutor",
    "ray": "search.cluster.executor:RayExecutor",
}
START_METHODS = ("auto", "fork", "spawn")
MOST_WORKERS = 1 << 16  # on a cluster, where neither it nor the trials are counted yet


def check_executor(name: str, start_method: str = "auto") -> None:
    """Refuse an executor or a start method that isn't known."""
    if name not in EXECUTORS:
        raise GridrunsError(unknown("executor", name, EXECUTORS))
    if start_method not in START_METHODS:
        raise GridrunsError(unknown("start method", start_method, START_METHODS))


def check_limits(name: str, trial_timeout: object, memory_limit: object) -> None:
    """Refuse limits of a trial that an executor can't keep: `inline` has no process that could be ended.

    Args:
        name: The executor.
        trial_timeout: What is asked for; None for no limit.
        memory_limit: The same.
    """
    asked = {"trial_timeout": trial_timeout, "memory_limit": memory_limit}
    for limit, value in asked.items():
        if name == "inline" and value is not None:
            raise GridrunsError(
                f"the executor 'inline' can't keep a {limit}, but got {value!r}; the executor 'local' can"
            )


def read_cluster(
    name: str, address: str | None, cpus_per_trial: float | None, gpus_per_trial: float | None
) -> Cluster | None:
    """The cluster that an executor uses, or None for one that uses none.

    Args:
        name: The executor.
        address: See `Cluster`; None for a new one on this machine.
        cpus_per_trial: None for 1.
        gpus_per_trial: None for none.

    Raises:
        GridrunsError: A number out of range, or something asked of an executor that uses no cluster.
    """
    if name == "ray":
        return Cluster(address, 1 if cpus_per_trial is None else cpus_per_trial, gpus_per_trial or 0)
    asked = {"address": address, "cpus_per_trial": cpus_per_trial, "gpus_per_trial": gpus_per_trial}
    for option, value in asked.items():
        if value is not None:
            raise GridrunsError(f"{option} is for the executor 'ray', but got {value!r} for {name!r}")
    return None


def resources_for(
    name: str,
    workers: int | str = "auto",
    threads: int | str = "auto",
    trials: int | None = None,
    cluster: Cluster | None = None,
) -> Resources:
    """What the trials of an executor may use.

    On a cluster "auto" is as many workers as it carries, and as many threads as a trial has CPUs.

    Raises:
        GridrunsError: Numbers out of range, or several workers for `inline`, which has one.
    """
    if cluster is not None:
        limits.check_count("workers", workers)
        limits.check_count("threads", threads)
        most = workers if isinstance(workers, int) else trials or MOST_WORKERS
        each = threads if isinstance(threads, int) else max(1, int(cluster.cpus))
        return Resources(most, each, (), replace(cluster, demand=isinstance(workers, int)))
    if name != "inline":
        return limits.share(workers, threads, trials)
    if workers not in ("auto", 1):
        raise GridrunsError(f"the executor 'inline' has one worker, but workers is {workers!r}")
    shared = limits.share(1, threads)
    return Resources(1, shared.threads if threads != "auto" else None, shared.gpus)


def make_executor(name: str, script: Script, resources: Resources, start_method: str = "auto") -> Executor:
    """Build the executor `name` for a script."""
    module, attribute = EXECUTORS[name].split(":")
    build = getattr(importlib.import_module(module), attribute)
    return cast(Executor, build(script, resources, start_method))
