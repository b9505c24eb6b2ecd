"""A database with Optuna's tables: reached, made once whoever comes first, and locked for a moment."""

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from search.quiet import quiet_optuna
from search.storage.address import Address, StorageError

if TYPE_CHECKING:
    from optuna.storages import RDBStorage

LOCK_SECONDS = 10.0  # to wait for another machine that holds the lock; it holds it for one proposal
START_SECONDS = 600.0  # the same before a search has begun any trial, when nothing else waits for it
CONNECT_SECONDS = 5
TABLES = "gridruns tables"
LOCK_NOT_AVAILABLE = "55P03"  # PostgreSQL's word for a lock that was waited for in vain
VERSION = "alembic_version"
MADE = "gridruns:made"
"""The attribute of a study with a word of its own: one that is deleted and made anew has another."""


def study_lock_name(study: str) -> str:
    """What is locked by who claims a point of a study, or changes what the study is."""
    return f"gridruns study {study}"


class Unreachable(Exception):
    """The database doesn't answer, or refuses; the message is one line without passwords."""


class Busy(Unreachable):
    """The database answers, but another process holds a lock for longer than was waited."""


class Connection:
    """One process's connections to a database."""

    def __init__(self, address: Address) -> None:
        """Connect, and make Optuna's tables where they are missing.

        Raises:
            StorageError: The database can't be used.
        """
        self.address = address
        from sqlalchemy import create_engine

        self._engine = create_engine(address.url, **self._settings())
        try:
            with self.reaching():
                made = self._try()
                with nullcontext() if made else self.lock(TABLES, START_SECONDS):
                    self.storage: RDBStorage = self._open()
        except Unreachable as error:
            self._engine.dispose()
            raise StorageError(f"storage: can't use {address.public}: {error}") from None

    @contextmanager
    def reaching(self) -> Iterator[None]:
        """Turn whatever the database refuses in the block into one kind of exception.

        Raises:
            Unreachable: Instead of SQLAlchemy's and Optuna's exceptions.
        """
        from optuna.exceptions import StorageInternalError
        from sqlalchemy.exc import SQLAlchemyError

        try:
            yield
        except (SQLAlchemyError, StorageInternalError) as error:
            raise Unreachable(self._words(error)) from None

    @contextmanager
    def lock(self, name: str, seconds: float = LOCK_SECONDS) -> Iterator["Lock"]:
        """Hold a lock that all machines heed; it goes with the process or its connection.

        Args:
            name: What is locked.
            seconds: How long to wait for another process that holds it.

        Raises:
            Busy: Another process holds the lock for longer.
            Unreachable: The database doesn't answer.
        """
        if self.address.file is not None:
            with self._file_lock(seconds):
                yield Lock()
            return
        from sqlalchemy.exc import SQLAlchemyError

        with self.reaching():
            connection = self._engine.connect()
        try:
            with self.reaching():
                _take(connection, name, seconds)
            yield Lock(connection)
        finally:
            with suppress(SQLAlchemyError):  # who can't be reached holds no lock
                connection.rollback()
            connection.close()

    def close(self) -> None:
        """Let go of all connections."""
        self.storage.remove_session()
        self.storage.engine.dispose()
        self._engine.dispose()

    @contextmanager
    def _file_lock(self, seconds: float) -> Iterator[None]:
        """SQLite's own locks last for one transaction only, so a file beside the database is locked."""
        path = f"{self.address.file}.lock"
        try:
            file = open(path, "ab")  # noqa: SIM115 (closed below)
        except OSError as error:
            raise Unreachable(f"can't lock {path!r}: {error.strerror}") from None
        with file:
            end = time.monotonic() + seconds
            while True:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() > end:
                        raise Busy(f"another process holds {path!r}") from None
                    time.sleep(0.005)
            yield

    def _settings(self) -> dict[str, Any]:
        """What `sqlalchemy.create_engine` is told. A connection is asked whether it lives before its use."""
        if self.address.file is not None:
            return {"connect_args": {"timeout": 30}}
        arguments = {"connect_timeout": CONNECT_SECONDS, "application_name": "gridruns"}
        quickly = {
            "keepalives_idle": 10,
            "keepalives_interval": 5,
            "keepalives_count": 3,
            "tcp_user_timeout": 20_000,
        }
        # What the URL says goes before.
        return {"pool_pre_ping": True, "connect_args": {**arguments, **quickly, **self.address.url.query}}

    def _try(self) -> bool:
        """Connect once, before anything is made; whether Optuna's tables are there."""
        from sqlalchemy import inspect, text

        with self._engine.connect() as connection:
            # Of all that Optuna makes the version of its tables comes last.
            if VERSION not in inspect(connection).get_table_names():
                return False
            return connection.execute(text(f"SELECT * FROM {VERSION}")).first() is not None

    def _open(self) -> "RDBStorage":
        from optuna.storages import RDBStorage

        # Optuna fills in braces; doubled ones stay.
        url = self.address.full().replace("{", "{{").replace("}", "}}")
        try:
            with quiet_optuna():
                return RDBStorage(url, engine_kwargs=self._settings())
        except RuntimeError as error:  # the tables are of another version of Optuna
            raise StorageError(f"storage: {self.address.clean(str(error))}") from None

    def _words(self, error: BaseException) -> str:
        if error.__cause__ is not None and type(error).__name__ == "StorageInternalError":
            error = error.__cause__
        return self.address.clean(str(getattr(error, "orig", None) or error))[:300]


class Lock:
    """A lock that is held, as far as that can be known."""

    def __init__(self, connection: Any = None) -> None:
        """Remember the connection whose transaction holds the lock; None for the kernel's lock on a file."""
        self._connection = connection

    def check(self) -> None:
        """Ask whether it is held still: a server that was restarted meanwhile has let go of it.

        Raises:
            sqlalchemy.exc.SQLAlchemyError: It isn't.
        """
        if self._connection is not None:
            from sqlalchemy import text

            self._connection.execute(text("SELECT 1"))


def _take(connection: Any, name: str, seconds: float) -> None:
    """Take an advisory lock for the transaction, and have the server end one that no longer does anything."""
    from sqlalchemy import text
    from sqlalchemy.exc import DBAPIError

    key = int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), "big", signed=True)
    connection.execute(text(f"SET LOCAL lock_timeout = {int(1000 * seconds)}"))
    connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = '5min'"))
    try:
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": key})
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) != LOCK_NOT_AVAILABLE:
            raise
        raise Busy(f"another process holds the lock {name!r}") from None
