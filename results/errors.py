"""The mistakes of a user's that have to do with runs and their results."""

from gridruns import GridrunsError


class ResultsError(GridrunsError):
    """Something asked of the runs that isn't there: a directory, a column, a metric."""


class RecordError(GridrunsError):
    """Something that a script wants to record and that can't be."""
