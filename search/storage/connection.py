"""A database with Optuna's tables: reached, made once whoever comes first, and locked for a moment."""

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from search.quiet import quiet_optuna
from search.storage.address import Address, StorageError

if TYPE_CHECKING:
    from optuna.storages import RDBStorage

LOCK_SECONDS = 10.0  # to wait for another machine that holds the lock; it holds it for one proposal
CONNECT_SECONDS = 5
TABLES = "gridruns tables"


class Unreachable(Exception):
    """The database doesn't answer, or refuses; the message is one line without passwords."""


class Connection:
    """One process's connections to a database."""

    def __init__(self, address: Address) -> None:
        """Connect, and make Optuna's tables where they are missing.

        Raises:
            StorageError: The database can't be used.
        """
        self.address = address
        try:
            with self.reaching():
                self._engine = self._connect()
                with self.lock(TABLES):
                    self.storage: RDBStorage = self._open()
        except Unreachable as error:
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
    def lock(self, name: str) -> Iterator["Lock"]:
        """Hold a lock that all machines heed; it goes with the process or its connection.

        Args:
            name: What is locked.

        Raises:
            Unreachable: The database doesn't answer, or another process holds the lock for very long.
        """
        if self.address.file is not None:
            with self._file_lock():
                yield Lock()
            return
        from sqlalchemy.exc import SQLAlchemyError

        with self.reaching():
            connection = self._engine.connect()
        try:
            with self.reaching():
                _take(connection, name)
            yield Lock(connection)
        finally:
            with suppress(SQLAlchemyError):  # who can't be reached holds no lock
                connection.rollback()
            connection.close()

    def close(self) -> None:
        """Let go of all connections."""
        self._engine.dispose()

    @contextmanager
    def _file_lock(self) -> Iterator[None]:
        """SQLite's own locks last for one transaction only, so a file beside the database is locked."""
        path = f"{self.address.file}.lock"
        try:
            file = open(path, "ab")  # noqa: SIM115 (closed below)
        except OSError as error:
            raise Unreachable(f"can't lock {path!r}: {error.strerror}") from None
        with file:
            end = time.monotonic() + LOCK_SECONDS
            while True:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() > end:
                        raise Unreachable(f"another process holds {path!r}") from None
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

    def _connect(self) -> Any:
        from sqlalchemy import create_engine, text

        engine = create_engine(self.address.url, **self._settings())
        with engine.connect() as connection:  # what doesn't answer is noticed here, before anything is made
            if self.address.file is not None:
                connection.execute(text("PRAGMA schema_version"))
        return engine

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


def _take(connection: Any, name: str) -> None:
    """Take an advisory lock for the transaction, and have the server end one that no longer does anything."""
    from sqlalchemy import text

    key = int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), "big", signed=True)
    connection.execute(text(f"SET LOCAL lock_timeout = {int(1000 * LOCK_SECONDS)}"))
    connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = '5min'"))
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": key})
