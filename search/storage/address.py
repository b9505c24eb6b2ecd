"""Where a study's database is: a URL that is checked at once and never shown with its password."""

from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from gridruns import GridrunsError

if TYPE_CHECKING:
    from sqlalchemy import URL

FORMS = "sqlite:///FILE or postgresql://USER@HOST/DATABASE"
DRIVERS = {
    "sqlite": "sqlite",
    "sqlite+pysqlite": "sqlite",
    "postgresql": "postgresql+psycopg",
    "postgres": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
}
SECRETS = ("password", "sslpassword", "oauth_client_secret", "scram_client_key", "scram_server_key")
"""Of libpq's parameters after the ?."""
HIDDEN = "***"
NO_STORAGE = "none"
"""In a URL's place: a study that was in a database goes on without it."""


class StorageError(GridrunsError):
    """A database that can't be used, or a study in it that isn't the one that is asked for."""


@dataclass(frozen=True)
class Address:
    """A database.

    Attributes:
        url: With the password, if one was given; its `repr` hides it.
        public: The URL without passwords, to be recorded and shown.
    """

    url: "URL" = field(repr=False)
    public: str

    @property
    def file(self) -> Path | None:
        """The file of an SQLite database; None for a server."""
        return Path(self.url.database or "") if self.url.get_backend_name() == "sqlite" else None

    def full(self) -> str:
        """The URL with the password, for whoever connects."""
        return self.url.render_as_string(hide_password=False)

    def clean(self, text: str) -> str:
        """A text of somebody else's in one line, without this address's passwords."""
        line = " ".join(text.split())
        asked = self.url.normalized_query
        given = {str(self.url.password or ""), *(value for name in SECRETS for value in asked.get(name, ()))}
        for secret in sorted(given - {""}, key=len, reverse=True):
            line = line.replace(secret, HIDDEN)
        return line


def read_address(text: object) -> Address:
    """The database that a URL names.

    Raises:
        StorageError: It is no URL of a database that a study can be in, or a package is missing. The message
            has nothing of the URL but its scheme, since the rest may hold a password.
    """
    scheme, found, _ = text.partition("://") if isinstance(text, str) else ("", "", "")
    if not found:
        what = "a text without ://" if isinstance(text, str) else f"{type(text).__name__}"
        raise StorageError(f"storage must be a URL, {FORMS}, but got {what}")
    if scheme not in DRIVERS:
        raise StorageError(f"storage must be {FORMS}, but got the scheme {scheme!r}")
    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        url = make_url(str(text)).set(drivername=DRIVERS[scheme])
    except (ArgumentError, ValueError):
        raise StorageError(f"storage must be {FORMS}, but got another form of {scheme}://...") from None
    url = _file(url) if url.drivername == "sqlite" else _server(url)
    bare = url.difference_update_query(SECRETS)
    if url.drivername != "sqlite":
        bare = bare._replace(drivername="postgresql", password=None)
    return Address(url, bare.render_as_string())


def _file(url: "URL") -> "URL":
    """An SQLite database by its absolute path, so that a later `resume` from elsewhere finds it."""
    name = url.database
    if not name or name == ":memory:" or name.startswith("file:") or url.query:
        raise StorageError("storage must name a file, as in sqlite:///studies.db, but got none")
    path = Path(name).absolute()
    if not path.parent.is_dir():
        raise StorageError(f"storage: there is no directory {str(path.parent)!r} for {path.name!r}")
    if path.is_dir():
        raise StorageError(f"storage must name a file, but {str(path)!r} is a directory")
    return url.set(database=str(path))


def _server(url: "URL") -> "URL":
    if find_spec("psycopg") is None:
        raise StorageError(
            "storage in PostgreSQL needs the package psycopg, which isn't installed: "
            "pip install 'gridruns[postgres]'"
        )
    return url
