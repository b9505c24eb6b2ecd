"""The mistakes that this room can name: about a flag, about a space, about a file of either."""

from gridruns import GridrunsError


class FlagError(GridrunsError):
    """A flag was declared wrongly, or given a value that it doesn't take."""


class SpaceError(GridrunsError):
    """A space, a domain or a sample of one breaks a law of this room."""


class DocumentError(GridrunsError):
    """A YAML file can't be read, or isn't the mapping that it should be."""
