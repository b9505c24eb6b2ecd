"""What a search would run, listed instead of run: nothing is trained and nothing is written."""

from typing import TYPE_CHECKING, Any

from search.past import Past
from search.samplers import SAMPLERS, SamplerError, sampler_name
from search.study import Study, StudyError

if TYPE_CHECKING:
    import pandas as pd


def points_to_run(study: Study, past: Past) -> "pd.DataFrame":
    """The trials that a search would begin, in their order, if each is run once.

    Args:
        study: What is searched.
        past: What has been done.

    Returns:
        A row a trial: `number`, `repeat` where points are run several times, `seed`, and the value of each
        flag as `flag_NAME`, missing where the flag doesn't apply.

    Raises:
        SamplerError: The sampler goes by results, so that its points aren't known before.
        StudyError: The plan is open, so that their number isn't.
    """
    import pandas as pd

    from search.engine import study_sampler
    from search.schedule import Schedule

    check_foreseeable(study.sampler)
    if study.planned is None:
        raise StudyError(
            "dry_run: how many trials fit in max_time isn't known before; give a number of trials"
        )
    flags = [flag.name for flag in study.declared]
    repeats = ["repeat"] * (study.repeats > 1)
    rows: list[dict[str, Any]] = []
    for assignment in Schedule(study, study_sampler(study), past).assignments():
        inactive = assignment.proposal.inactive
        row = {f"flag_{name}": pd.NA if name in inactive else assignment.values[name] for name in flags}
        seed = study.trial_seed(assignment.number, assignment.repeat)
        rows.append({"number": assignment.number, "repeat": assignment.repeat, "seed": seed, **row})
    columns = ["number", *repeats, "seed", *(f"flag_{name}" for name in flags)]
    return pd.DataFrame(rows, columns=columns, dtype=object)


def check_foreseeable(sampler: Any) -> None:
    """Refuse a sampler whose points aren't known before they run.

    Raises:
        SamplerError: It goes by results, or is an object, of which nothing is known.
    """
    if not isinstance(sampler, str) or SAMPLERS[sampler].learns:
        able = ", ".join(name for name, entry in SAMPLERS.items() if not entry.learns)
        raise SamplerError(
            f"dry_run: the sampler {sampler_name(sampler)!r} may choose a point by the results before it, "
            f"so that no list of them can be made (it can for {able})"
        )
