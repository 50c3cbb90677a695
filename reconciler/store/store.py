"""One unit of work: all repositories on one transaction."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from sqlalchemy import Connection, select

from reconciler.store.audit import AuditRepository
from reconciler.store.catalog import CatalogRepository
from reconciler.store.checkpoints import CheckpointRepository
from reconciler.store.computers import ComputerRepository
from reconciler.store.counters import Counter, Counters
from reconciler.store.credentials import CredentialRepository, TokenRepository
from reconciler.store.database import LOCK_WAIT, Database, parse_location
from reconciler.store.documents import DocumentRepository
from reconciler.store.events import EventRepository
from reconciler.store.inbox import InboxRepository
from reconciler.store.journal import JournalRepository
from reconciler.store.lease import LeaseRepository
from reconciler.store.migrate import is_current, upgrade
from reconciler.store.permits import PermitRepository
from reconciler.store.records import RecordRepository
from reconciler.store.schema import computer
from reconciler.store.statuses import StatusRepository


@dataclass(frozen=True, slots=True)
class PolicyChanges:
    """Whose policy may have changed up to `version`: everybody's, or that of these computers."""

    version: int
    everybody: bool
    computers: frozenset[str]


class View:
    """All repositories on one snapshot; what would write raises StoreError."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._counters = counters = Counters(connection)
        self.records = RecordRepository(connection, counters)
        self.journal = JournalRepository(connection)
        self.computers = ComputerRepository(connection, counters)
        self.checkpoints = CheckpointRepository(connection)
        self.credentials = CredentialRepository(connection)
        self.tokens = TokenRepository(connection)
        self.inbox = InboxRepository(connection, counters)
        self.catalog = CatalogRepository(connection, counters)
        self.lease = LeaseRepository(connection)
        self.documents = DocumentRepository(connection, counters)
        self.audit = AuditRepository(connection)
        self.events = EventRepository(connection)
        self.permits = PermitRepository(connection, counters)
        self.statuses = StatusRepository(connection)

    def policy_version(self) -> int:
        """Give the number that rises with whatever may change some computer's policy."""
        return self._counters.value(Counter.POLICY)

    def site_policy_version(self) -> int:
        """Give the policy version in which something that all computers share changed last."""
        return self._counters.value(Counter.SITE_POLICY)

    def policy_changes(self, since: int) -> PolicyChanges:
        """Say whose policy may have changed after that policy version."""
        version = self.policy_version()
        everybody = self.site_policy_version() > since
        if everybody or version == since:
            return PolicyChanges(version, everybody=everybody, computers=frozenset())
        changed = select(computer.c.id).where(computer.c.policy_version > since)
        ids = frozenset(self._connection.scalars(changed))
        return PolicyChanges(version, everybody=False, computers=ids)

    def change(self) -> int:
        """Give the number that rises with every change that the engine should look at."""
        return self._counters.value(Counter.CHANGE)


class Work(View):
    """All repositories on one transaction that may write."""


class Store:
    """The site's database; threads and processes may share it."""

    def __init__(self, path_or_url: str | Path, *, lock_wait: timedelta = LOCK_WAIT) -> None:
        self._database = Database(parse_location(path_or_url), lock_wait)

    @property
    def path(self) -> Path:
        """The database's file."""
        return self._database.path

    def migrate(self) -> None:
        """Bring the tables up to date; StoreError where a newer release wrote them."""
        self._database.create()
        with self._database.reading() as connection:
            if is_current(connection, self.path):
                return
        with self._database.writing() as connection:
            upgrade(connection, self.path)

    def close(self) -> None:
        """Let go of the database."""
        self._database.close()

    @contextmanager
    def write(self) -> Iterator[Work]:
        """Yield a unit of work: committed at the end, rolled back on an exception."""
        with self._database.writing() as connection:
            yield Work(connection)

    @contextmanager
    def read(self) -> Iterator[View]:
        """Yield a view of one consistent snapshot."""
        with self._database.reading() as connection:
            yield View(connection)

    def policy_version(self) -> int:
        """Give the policy version of now."""
        with self.read() as view:
            return view.policy_version()

    def change(self) -> int:
        """Give the change number of now; cheap enough to poll."""
        with self.read() as view:
            return view.change()
