"""The page of a run's evaluation: statistics, the confusion matrix, its bubbles, the mistakes as pictures."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import pandas as pd

from results import layout
from results.confusion import overall_words
from results.evaluation import Evaluation
from results.figures.confusions import confusions_figure
from results.kept import read_held_out
from results.pages.parts import Section, drawn, facts, text
from results.pages.shell import document, write_page
from results.pages.tables import table
from results.pictures import as_images, data_uri

CLASSES = 40  # of a matrix that is shown
MISTAKES = 400  # shown on the page
_CONFUSIONS = 20  # rows of their table

_STYLE = """
.matrix td, .matrix th { padding: 0.15rem 0.6rem; text-align: right; }
.matrix td.right { background: color-mix(in srgb, #2a9d6f 25%, transparent); }
.matrix td.none { color: var(--soft); }
.mistakes { display: grid; grid-template-columns: repeat(auto-fill, minmax(7.5rem, 1fr)); gap: 0.8rem;
  padding: 0; list-style: none; }
.mistakes img { width: 5.6rem; image-rendering: pixelated; border: 1px solid var(--line); display: block; }
.mistakes small { color: var(--soft); }
"""


def view_evaluation(evaluation: Evaluation, output: str | os.PathLike[str] | None = None) -> Path:
    """Write the page of an evaluation: one HTML file that a browser shows without a network.

    Args:
        evaluation: See `results.evaluate_run`.
        output: The file, replaced at once if it is there; by default evaluation.html in the run's directory.

    Returns:
        The file.

    Raises:
        ResultsError: The file can't be written, or the held-out set can't be read.
    """
    place = evaluation.run / layout.ASSESSMENT if output is None else output
    return write_page(place, page(evaluation))


def page(evaluation: Evaluation) -> str:
    """The evaluation as HTML."""
    name = evaluation.run.name
    heading = [f"<h1>{text(name)}, evaluated</h1>"]
    sections = [
        Section("statistics", "Statistics", tuple(_statistics(evaluation))),
        Section("matrix", "Confusion matrix", tuple(_matrix(evaluation.matrix))),
        Section("confusions", "Most frequent confusions", tuple(_confusions(evaluation))),
        Section("classes", "Each class", tuple(_classes(evaluation.by_class))),
        Section("mistakes", "Mistakes", tuple(_mistakes(evaluation))),
    ]
    return document(f"{name}: gridruns evaluation", heading, sections, _STYLE)


def _statistics(found: Evaluation) -> Iterator[str]:
    counts = {
        "Directory": found.run.as_posix(),
        "Samples": f"{len(found.predictions):,}",
        "Mistakes": f"{len(found.mistakes):,}",
    }
    yield from facts({**counts, **_metrics(found), **overall_words(found.overall)})


def _metrics(found: Evaluation) -> Mapping[str, object]:
    """Each metric as the model's own `evaluate()` finds it now, beside what the run recorded."""
    return {
        f"evaluate(): {name}": f"{value:.6g}"
        + (f" ({found.recorded[name]:.6g} recorded by the run)" if name in found.recorded else "")
        for name, value in found.metrics.items()
    }


def _matrix(matrix: pd.DataFrame) -> Iterator[str]:
    if len(matrix) > CLASSES:
        yield (
            f'<p class="notice">It has {len(matrix)} classes and isn\'t shown beyond {CLASSES}; '
            "evaluate_run(run).matrix holds it.</p>"
        )
        return
    caption = "Samples by predicted class (rows) and reference class (columns)"
    yield f'<div class="wide" tabindex="0" role="region" aria-label="{caption}"><table class="matrix">'
    yield f"<caption>{caption}</caption><thead><tr><th></th>"
    yield "".join(f'<th scope="col">{label}</th>' for label in matrix.columns)
    yield "</tr></thead><tbody>"
    for label, row in zip(matrix.index, matrix.to_numpy().tolist(), strict=True):
        kinds = [
            "right" if reference == label else "" if count else "none"
            for reference, count in zip(matrix.columns, row, strict=True)
        ]
        cells = "".join(f'<td class="{kind}">{count:,}</td>' for kind, count in zip(kinds, row, strict=True))
        yield f'<tr><th scope="row">{label}</th>{cells}</tr>'
    yield "</tbody></table></div>"


def _confusions(found: Evaluation) -> Iterator[str]:
    if not len(found.confusions):
        yield "<p>None: every sample was predicted right.</p>"
        return
    yield from drawn("confusions", confusions_figure(found.confusions, len(found.matrix)))
    shown = found.confusions.head(_CONFUSIONS)
    yield from table(shown, f"The {len(shown)} most frequent of {len(found.confusions):,} pairs")


def _classes(by_class: pd.DataFrame) -> Iterator[str]:
    yield from table(by_class.reset_index(), "Each class against all others")


def _mistakes(found: Evaluation) -> Iterator[str]:
    mistakes = found.mistakes
    if not len(mistakes):
        yield "<p>None.</p>"
        return
    shown = mistakes.head(MISTAKES)
    yield (
        f'<p class="note">The surest first: {len(shown):,} of {len(mistakes):,}. '
        "The percentages are the probabilities of the predicted and of the reference class.</p>"
    )
    images = as_images(read_held_out(found.run).x)
    if images is None:
        rows = shown.drop(columns="correct").rename_axis("sample").reset_index()
        yield from table(rows, "Samples that were predicted wrong")
        return
    yield '<ul class="mistakes">'
    for sample, row in zip(shown.index.tolist(), shown.itertuples(), strict=True):
        words = f"{row.predicted}, but is {row.reference}"
        yield (
            f'<li><img src="{data_uri(images[sample])}" alt="sample {sample}, predicted {words}">'
            f"predicted {words}<br><small>{row.confidence:.1%} against {row.reference_probability:.1%}, "
            f"sample {sample}</small></li>"
        )
    yield "</ul>"
