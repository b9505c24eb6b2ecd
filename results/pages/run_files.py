"""What lies in a run's directory as files: output, source, plots, and what the script kept."""

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from results import layout
from results.pages.parts import block, folded, text
from results.pages.source import highlighted
from results.printed import displayed, excerpt
from results.sources import source_files

FOLD = 40  # lines of output that are shown without a click
PICTURES = 10_000_000  # bytes of plots on a page
SOURCES = 400_000  # bytes of source on a page
KEPT = 20_000  # bytes of a file that the script kept


def output(run: Path) -> Iterator[str]:
    """What the run printed, folded where it is long."""
    path = run / layout.OUTPUT
    found = excerpt(path)
    if found is None or not found.size:
        return
    head = displayed(found.head)
    lines = [f'<pre class="wrap" tabindex="0">{block(head)}</pre>']
    if found.left_out:
        lines.append(
            f'<p class="notice">{found.left_out:,} bytes are left out here; all of it is in '
            f"{text(path.as_posix())}.</p>"
        )
        lines.append(f'<pre class="wrap" tabindex="0">{block(displayed(found.tail))}</pre>')
    count = head.count("\n") + 1
    yield (
        '<p class="note">As a terminal shows it: without colours, and without what was written over; '
        f"{text(path.as_posix())} has every byte.</p>"
    )
    if found.left_out or count > FOLD:
        yield from folded(f"Output, {found.size:,} bytes", lines)
    else:
        yield from lines


def source(run: Path, script: Any) -> Iterator[str]:
    """The script first, its modules folded."""
    main = Path(script).name if isinstance(script, str) else None
    folder = run / layout.SOURCE
    files = sorted(source_files(run), key=lambda file: file != folder / str(main))
    room = SOURCES
    for file in files:
        name = file.relative_to(folder).as_posix()
        found = excerpt(file, head=max(room, 1), tail=0)
        if found is None:
            yield f'<p class="notice">{text(name)} can\'t be read.</p>'
        elif found.left_out or found.size > room:
            yield left_out(file)
        else:
            room -= found.size
            yield from folded(text(name), [highlighted(name, found.head)], opened=file == files[0])


def plots(run: Path) -> Iterator[str]:
    """The PNG files in plots/, in the page."""
    room = PICTURES
    for file in sorted((run / layout.PLOTS).glob("*.png")):
        try:
            size = file.stat().st_size
            data = file.read_bytes() if size <= room else b""
        except OSError as error:
            yield f'<p class="notice">{text(file.name)} can\'t be read: {text(error.strerror)}.</p>'
            continue
        if size > room:
            yield left_out(file)
            continue
        room -= size
        encoded = base64.b64encode(data).decode()
        yield f'<img class="plot" alt="{text(file.name)}" src="data:image/png;base64,{encoded}">'


def metadata(run: Path) -> Iterator[str]:
    """The JSON files that the script wrote by `write_run_metadata`."""
    for file in sorted(run.glob("*.json")):
        if layout.metadata_file(file.stem) != file.name:
            continue
        found = excerpt(file, KEPT, 0)
        if found is None:
            yield f'<p class="notice">{text(file.name)} can\'t be read.</p>'
            continue
        more = f'<p class="notice">The first {KEPT:,} of {found.size:,} bytes of {text(file)}.</p>'
        lines = [f'<pre class="wrap" tabindex="0">{block(found.head)}</pre>', *[more] * bool(found.left_out)]
        yield from folded(text(file.name), lines)


def left_out(file: Path) -> str:
    """Says that a file is too large for the page, and where it is."""
    where = text(file.as_posix())
    return f'<p class="notice">{text(file.name)} is too large for this page; it is {where}.</p>'
