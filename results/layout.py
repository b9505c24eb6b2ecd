"""The names in a run's and a study's directory (docs/run-directory.md); no other module spells one."""

import re

STUDY = "study.json"  # this, the lock and the index in a study's directory; all others lie in a run's
LOCK = "lock"
INDEX = ".gridruns-index"  # in any directory that holds many runs; never the truth
ARCHIVE = "archive"  # in the runs directory: what was cleaned away
REPORT = "report.html"
PAGE = "run.html"
COMPARISON = "compare.html"
ASSESSMENT = "evaluation.html"  # the page of what a run's model got right and wrong

RUN = "run.json"
OUTCOME = "outcome.json"
METRICS = "metrics.jsonl"
PROPERTIES = "properties.json"
EVALUATION = "evaluation.json"
ERROR = "error.json"
MODEL = "model.keras"  # this and the next only where they were asked for, or the script wrote them
HELD_OUT = "held_out.npz"
KEPT = "kept.files.json"  # which of both are there at its end; a name that no script can give a file
NOTES = "notes.json"  # a person's tags and note
NODE = "node.json"  # where on a cluster the run ran
DECLARED = "declared.json"  # what a script declares, where a job only reads its flags
OUTPUT = "output.log"
SOURCE = "source"
PLOTS = "plots"
TRAIN = "train"
VALIDATION = "validation"

# TensorBoard takes a file for events when its name contains "tfevents".
SESSION_EVENTS = "events.out.tfevents.session"
SCALAR_EVENTS = "events.out.tfevents.scalars"

RUN_NAME = re.compile(r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{6}Z")
RUN_NAME_FORMAT = "%Y-%m-%dT%H-%M-%S.%fZ"

_RUN_FILES = frozenset({
    RUN, OUTCOME, METRICS, PROPERTIES, EVALUATION, ERROR, KEPT, NODE, NOTES, OUTPUT, SESSION_EVENTS,
    PAGE, ASSESSMENT,
})  # fmt: skip
_FIGURE = re.compile(r"figure-\d+\.png")
_FORMER_STUDY = re.compile(r"study\.\d+\.json")
_METADATA_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
_OWN = frozenset(
    {STUDY, RUN, OUTCOME, PROPERTIES, EVALUATION, ERROR, DECLARED, NODE, NOTES}
    | {"flags.json", "metrics.json"}
)


def metadata_file(kind: str) -> str | None:
    """The file of a script's own metadata, or None where `kind` can't name one (see `Recorder.metadata`)."""
    name = f"{kind}.json"
    return name if _METADATA_NAME.fullmatch(kind) and name.lower() not in _OWN else None


def is_study_file(name: str) -> bool:
    """Whether a file of this name in a study's directory is gridruns' own."""
    return name in (STUDY, LOCK, INDEX, REPORT, COMPARISON) or _FORMER_STUDY.fullmatch(name) is not None


def is_run_file(parts: tuple[str, ...]) -> bool:
    """Whether a file in a run's directory, named from there, is gridruns' own and not the script's."""
    if len(parts) == 1:
        return parts[0] in _RUN_FILES
    if parts[0] == PLOTS:
        return _FIGURE.fullmatch("/".join(parts[1:])) is not None
    return parts[0] == SOURCE or parts in ((TRAIN, SCALAR_EVENTS), (VALIDATION, SCALAR_EVENTS))
