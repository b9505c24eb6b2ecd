"""What this machine carries: cores, memory and GPUs, and how they are shared out among workers."""

import os
import shutil
import subprocess
from pathlib import Path

from gridruns import GridrunsError
from search.executor import Resources

# A TensorFlow process that trains a small network holds 0.3 to 0.6 GiB of its own (docs/executing.md).
MEMORY_OF_A_WORKER = 1 << 30
THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
)


def cores() -> int:
    """The cores that this process may use: its affinity, cut by the quota of its control group."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(allowed, _quota()))


def _quota() -> int:
    """Whole cores that the control group's CPU quota allows, or a large number without a quota."""
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        return max(1, int(quota) // int(period))
    except (OSError, ValueError):
        return 1 << 16


def available_memory() -> int | None:
    """Bytes of memory that new processes can take, or None where the system doesn't say."""
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except OSError:
        return None
    return None


def gpus() -> tuple[str, ...]:
    """The GPUs that CUDA may use, as CUDA_VISIBLE_DEVICES names them; empty where there are none."""
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    if named is not None:
        return tuple(name for name in (part.strip() for part in named.split(",")) if name and name != "-1")
    if shutil.which("nvidia-smi") is None:
        return ()
    listed = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, check=False)
    count = sum(line.startswith("GPU ") for line in listed.stdout.splitlines())
    return tuple(str(index) for index in range(count))


def share(workers: int | str = "auto", threads: int | str = "auto", trials: int | None = None) -> Resources:
    """Decide how many trials run at once and what each may use.

    Two processes of one thread train about twice as many samples a second as one process of
    two threads, so "auto" takes one worker a core (one a GPU, where there are GPUs), as
    far as memory goes, and no more than there are trials.

    Args:
        workers: At least 1, or "auto".
        threads: Threads of each worker, at least 1, or "auto": its share of the cores.
        trials: How many trials there will be, if known.

    Raises:
        GridrunsError: A number below 1, or another word than "auto".
    """
    check_count("workers", workers)
    check_count("threads", threads)
    devices = gpus()
    if isinstance(workers, int):
        count = workers
    else:
        memory = available_memory()
        count = min(len(devices), cores()) if devices else cores()
        count = min(count, trials or count, (memory // MEMORY_OF_A_WORKER) if memory else count)
        count = max(1, count)
    each = threads if isinstance(threads, int) else max(1, cores() // count)
    return Resources(count, each, devices)


def check_count(name: str, value: int | str) -> None:
    """Refuse what is neither a whole number of at least 1 nor "auto".

    Raises:
        GridrunsError: The message names it.
    """
    if value != "auto" and (isinstance(value, (bool, str)) or value < 1):
        raise GridrunsError(f"{name} must be a whole number of at least 1 or 'auto', but got {value!r}")


def environment(threads: int | None) -> dict[str, str]:
    """The variables that give a process its number of threads, to be set before it imports anything."""
    variables = {"TF_FORCE_GPU_ALLOW_GROWTH": "true"}
    if threads is not None:
        variables |= dict.fromkeys(THREAD_VARIABLES, str(threads))
    return variables
