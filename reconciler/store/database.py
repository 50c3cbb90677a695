"""Connections: how a SQLite file is opened, locked and blamed.

Writers take the file's only write lock at once (BEGIN IMMEDIATE), so that a transaction never
fails half-way because of another one. Readers get a snapshot and cannot write.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.pool import QueuePool

from reconciler.model.errors import StoreError

LOCK_WAIT = timedelta(seconds=10)
_IDLE_READERS = 8
_PRAGMAS = ("PRAGMA foreign_keys = ON", "PRAGMA synchronous = FULL")
_READER_PRAGMAS = (*_PRAGMAS, "PRAGMA query_only = ON")
_WRITER_PRAGMAS = ("PRAGMA journal_mode = WAL", *_PRAGMAS)
_INIT_HINT = "create it with `patchwright site init`"
_FAULTS = {
    "SQLITE_BUSY": ("is locked by another process", "wait for it, or stop it, then try again"),
    "SQLITE_LOCKED": ("is locked by another process", "wait for it, or stop it, then try again"),
    "SQLITE_NOTADB": ("is not a database", "check the path, or restore it from a backup"),
    "SQLITE_CORRUPT": ("is damaged", "restore it from a backup"),
    "SQLITE_FULL": ("does not fit on its disk", "free some space"),
    "SQLITE_CANTOPEN": ("cannot be opened", _INIT_HINT),
    "SQLITE_READONLY": ("was opened for reading only", "check its owner and mode"),
    "SQLITE_IOERR": ("cannot be read or written", "check its disk"),
    "SQLITE_AUTH": ("may not be used", "check its owner and mode"),
    "SQLITE_PERM": ("may not be used", "check its owner and mode"),
}


def parse_location(path_or_url: str | Path) -> Path:
    """Give the file of `sqlite:///FILE` or of a plain path; StoreError for all else."""
    text = os.fspath(path_or_url)
    if "://" not in text:
        return Path(text)
    try:
        url = make_url(text)
    except ArgumentError as error:
        raise StoreError("the database's URL cannot be read", hint="as sqlite:///FILE") from error
    if url.get_backend_name() != "sqlite" or url.database in {None, "", ":memory:"}:
        raise StoreError(
            f"a {url.get_backend_name()} database of that URL cannot be used",
            hint="name a file, as sqlite:////var/lib/patchwright/site.db",
        )
    return Path(str(url.database))


class Database:
    """One SQLite file with a pool of readers and one connection that writes."""

    def __init__(self, path: Path, lock_wait: timedelta = LOCK_WAIT) -> None:
        self.path = path
        wait = lock_wait.total_seconds()
        self._reader = _make_engine(path, wait, _READER_PRAGMAS, "BEGIN", (_IDLE_READERS, -1))
        # Threads of one process queue here, fairly; processes queue at the file's lock.
        self._writer = _make_engine(path, wait, _WRITER_PRAGMAS, "BEGIN IMMEDIATE", (1, 0))

    def create(self) -> None:
        """Make an empty file for its owner only, where there is none."""
        try:
            os.close(os.open(self.path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
        except OSError as error:
            raise StoreError(
                f"the database {self.path} cannot be created: {error.strerror}",
                hint="check that its folder is there and may be written",
            ) from error

    def close(self) -> None:
        """Close all idle connections."""
        self._reader.dispose()
        self._writer.dispose()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Yield a connection that sees one snapshot."""
        with self._translated(), self._reader.begin() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Yield the connection that writes; commit at the end, roll back on an exception."""
        with self._translated(), self._writer.begin() as connection:
            yield connection

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (SQLAlchemyError, sqlite3.Error) as error:
            raise self._fault(error) from error

    def _fault(self, error: Exception) -> StoreError:
        if isinstance(error, PoolTimeoutError):
            return self._blame("SQLITE_BUSY")
        orig = getattr(error, "orig", None) or error
        # Extended names refine a first one: SQLITE_IOERR_READ, SQLITE_CORRUPT_INDEX.
        name = "_".join(str(getattr(orig, "sqlite_errorname", "")).split("_")[:2])
        if name in _FAULTS:
            return self._blame(name)
        if "no such table" in str(orig):
            return StoreError(f"the database {self.path} has no tables yet", hint=_INIT_HINT)
        return StoreError(f"the database {self.path} refused a statement: {orig}")

    def _blame(self, name: str) -> StoreError:
        what, hint = _FAULTS[name]
        return StoreError(f"the database {self.path} {what}", hint=hint)


def _make_engine(
    path: Path, wait: float, pragmas: tuple[str, ...], begin: str, pool: tuple[int, int]
) -> Engine:
    engine = create_engine(
        "sqlite://",
        creator=_opener(path, wait, pragmas),
        poolclass=QueuePool,
        pool_size=pool[0],
        max_overflow=pool[1],
        pool_timeout=wait,
    )

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


def _opener(path: Path, wait: float, pragmas: tuple[str, ...]) -> Callable[[], sqlite3.Connection]:
    # Without mode=rw a wrong path would silently become a new, empty database.
    uri = f"file:{quote(os.fspath(path.absolute()))}?mode=rw"

    def open_connection() -> sqlite3.Connection:
        connection = sqlite3.connect(
            uri, uri=True, timeout=wait, check_same_thread=False, isolation_level=None
        )
        try:
            for pragma in pragmas:
                connection.execute(pragma)
        except BaseException:
            connection.close()
            raise
        return connection

    return open_connection
