"""A PostgreSQL server of the tests' own, started and stopped as they need it."""

import os
import pwd
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tests.ports import free_port

USER = "searcher"
PASSWORD = "Sesame-{5x9}-@/:open"  # with everything that a URL has a meaning for
QUOTED = "Sesame-%7B5x9%7D-%40%2F%3Aopen"


def find_binaries() -> Path | None:
    """Where initdb and postgres are: on the PATH, or where Debian puts them."""
    found = shutil.which("initdb")
    if found and shutil.which("postgres", path=os.path.dirname(os.path.realpath(found))):
        return Path(os.path.realpath(found)).parent
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return places[-1].parent if places else None


def missing() -> str | None:
    """What isn't there of what the tests need, as the reason for which they are skipped."""
    if find_spec("psycopg") is None:
        return "NO POSTGRESQL: psycopg is missing, so no server was tested; pip install 'gridruns[postgres]'"
    if find_binaries() is None:
        return "NO POSTGRESQL: no server is installed, so none was tested; apt-get install postgresql"
    return None


def _demoted() -> Callable[[], None] | None:
    """What makes a child of root's another user, since PostgreSQL refuses to run as root."""
    if os.getuid() != 0:
        return None
    account = _account()

    def demote() -> None:
        os.setgroups([])
        os.setgid(account.pw_gid)
        os.setuid(account.pw_uid)

    return demote


def _account() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        return pwd.getpwnam("nobody")


@dataclass
class Server:
    """A server.

    Attributes:
        binaries: Where its programs are.
        folder: All of its files.
        port: On 127.0.0.1.
    """

    binaries: Path
    folder: Path
    port: int

    @classmethod
    def create(cls, binaries: Path) -> "Server":
        """Make an empty cluster whose users all need a password."""
        # Short, and open to the other user on the way: a socket's path has at most 107 characters.
        folder = Path(tempfile.mkdtemp(prefix="gridruns-pg-", dir="/tmp"))
        if os.getuid() == 0:
            account = _account()
            os.chown(folder, account.pw_uid, account.pw_gid)
        secret = folder / "secret"
        secret.write_text(PASSWORD)
        secret.chmod(0o644)
        server = cls(binaries, folder, free_port())
        server._run("initdb", "-D", "data", "-U", USER, "-A", "scram-sha-256", "--pwfile", "secret",
                    "-E", "UTF8", "--locale", "C", "--no-sync")  # fmt: skip
        return server

    def start(self) -> None:
        """Start it, and wait until it answers."""
        options = (
            f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={self.folder} "
            "-c fsync=off -c max_connections=60"
        )
        self._run("pg_ctl", "-D", "data", "-w", "-t", "120", "-l", "log", "-o", options, "start")

    def stop(self) -> None:
        """Stop it at once; connections are cut."""
        self._run("pg_ctl", "-D", "data", "-w", "-t", "120", "-m", "fast", "stop")

    def new_database(self) -> str:
        """Make an empty database and return its URL."""
        name = f"test_{uuid.uuid4().hex[:12]}"
        self.execute(f"CREATE DATABASE {name}")
        return self.url(name)

    def url(self, database: str, password: str | None = QUOTED) -> str:
        """The URL of a database, with the password quoted as in a URL; without for None."""
        secret = "" if password is None else f":{password}"
        return f"postgresql://{USER}{secret}@127.0.0.1:{self.port}/{database}"

    def execute(self, statement: str, database: str = "postgres") -> list[Any]:
        """Run a statement as the owner of everything; its rows."""
        import psycopg

        with psycopg.connect(
            host="127.0.0.1", port=self.port, user=USER, password=PASSWORD, dbname=database, autocommit=True
        ) as connection:
            cursor = connection.execute(statement)  # type: ignore[call-overload]
            return list(cursor) if cursor.description else []

    def _run(self, program: str, *arguments: str) -> None:
        # Its output goes to a file: the server that is started would hold a pipe open.
        with open(self.folder / "said", "wb") as said:
            done = subprocess.run(
                [str(self.binaries / program), *arguments],
                cwd=self.folder, stdin=subprocess.DEVNULL, stdout=said, stderr=said, check=False, timeout=300,
                preexec_fn=_demoted(), env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"},
            )  # fmt: skip
        assert done.returncode == 0, (self.folder / "said").read_text()
