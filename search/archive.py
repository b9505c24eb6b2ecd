"""What a run keeps of its script besides numbers: the source that ran and the figures left open."""

import os
import shutil
import sys
import sysconfig
from collections.abc import Iterable
from itertools import takewhile
from pathlib import Path

from results import layout
from search.script import OUR_NAMES


def archive_sources(files: Iterable[Path], folder: Path, run_dir: Path) -> None:
    """Copy `files` into the run's source/, laid out as they lie below `folder`."""
    for file in files:
        inside = file.relative_to(folder) if file.is_relative_to(folder) else Path(file.name)
        target = run_dir / layout.SOURCE / inside
        (run_dir / layout.SOURCE).mkdir(exist_ok=True)  # fails where the run's directory has been deleted
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target)


def archive_imported(script: Path, run_dir: Path) -> None:
    """Add the local modules that the script turned out to import, whatever way it named them."""
    folder = script.parent
    kept = run_dir / layout.SOURCE
    archive_sources(
        (file for file in local_modules(folder).values() if not (kept / file.relative_to(folder)).exists()),
        folder,
        run_dir,
    )


def local_modules(folder: Path) -> dict[str, Path]:
    """The imported modules whose source lies below `folder`, by name; no installed package is one.

    Only modules imported since the last call are looked at, in a forked child since its parent's last: to
    look through the thousands that come with TensorFlow takes longer than all else around a small trial. No
    code of a module runs for it, as it would in one that waits for the first use of it (importlib's
    LazyLoader).
    """
    below = str(folder).rstrip(os.sep) + os.sep
    last, count, known = _looked_through.get(below, ("", 0, {}))
    found = {name: file for name, file in known.items() if name in sys.modules}
    # In one call into C, so that no other thread's import comes between.
    new = list(takewhile(last.__ne__, reversed(sys.modules)))
    if len(sys.modules) - len(new) != count:  # one was deleted, or loaded again and so is the newest
        new = list(reversed(sys.modules))
    for name in reversed(new):
        source = _source(sys.modules.get(name))
        if not source.startswith(below):
            continue
        if name == "__main__" or name.split(".")[0] in OUR_NAMES:
            continue
        file = Path(source)
        if file.suffix == ".py" and file.is_relative_to(folder) and not _installed(file):
            found[name] = file
    _looked_through[below] = (new[0] if new else last, len(sys.modules), found)
    return found


_looked_through: dict[str, tuple[str, int, dict[str, Path]]] = {}
"""For each folder the newest module when it was last asked for, how many there were, and what was found."""


def _source(module: object) -> str:
    """The file of a module; nothing where it is no module and has none."""
    try:
        source = object.__getattribute__(module, "__dict__").get("__file__")
    except AttributeError:
        return ""
    return source if isinstance(source, str) else ""


def _installed(file: Path) -> bool:
    """Whether a module comes with Python or a package, wherever these are."""
    paths = sysconfig.get_paths()
    return "site-packages" in file.parts or any(
        file.is_relative_to(paths[key]) for key in ("stdlib", "platstdlib", "purelib", "platlib")
    )


def archive_figures(run_dir: Path) -> None:
    """Save the matplotlib figures that are still open as PNG files in plots/, and close them."""
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is None:
        return
    for number in pyplot.get_fignums():
        plots = run_dir / layout.PLOTS
        plots.mkdir(exist_ok=True)
        pyplot.figure(number).savefig(plots / f"figure-{number:03d}.png")
    pyplot.close("all")
