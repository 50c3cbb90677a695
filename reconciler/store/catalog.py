"""The catalog: every update that a source ever listed, with its history."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, select, update

from reconciler.model.canonical import digest_of
from reconciler.model.codec import encode
from reconciler.model.errors import CatalogError
from reconciler.model.updates import CatalogEntry, Update
from reconciler.observed.catalog import SourceFreshness
from reconciler.store.counters import Counter, Counters
from reconciler.store.rows import AnyRow, pack, revive, to_json, unpack, upsert
from reconciler.store.schema import catalog_entry as table
from reconciler.store.schema import catalog_source

_NOBODY = ""
_KEPT_REVISIONS = 50
"""So many former revisions of an update are remembered; a source may change one for ever."""
_KNOWN = select(
    table.c.id,
    table.c.source,
    table.c.product,
    table.c.supersedes,
    table.c.revision,
    table.c.since,
    table.c.former,
    table.c.first_seen_at,
    table.c.withdrawn,
    table.c.content_digest,
    table.c.body_digest,
)
Known = Mapping[str, AnyRow]
"""Stored entries by update id, without their bodies."""


@dataclass(frozen=True, slots=True)
class CatalogChange:
    """What a read of a source changed, as sorted update ids; `version` is the content version.

    `restored` ones had been withdrawn and are listed again.
    """

    version: int
    added: tuple[str, ...] = ()
    revised: tuple[str, ...] = ()
    withdrawn: tuple[str, ...] = ()
    restored: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Tell whether the content version stayed."""
        return not (self.added or self.revised or self.withdrawn or self.restored)


class CatalogRepository:
    """Updates by id, and how fresh each source is."""

    def __init__(self, connection: Connection, counters: Counters) -> None:
        self._connection = connection
        self._counters = counters

    def version(self) -> int:
        """Give the content version, which any change of packages or digests raises (S10)."""
        return self._counters.value(Counter.CONTENT)

    def stamp(self) -> int:
        """Give a number that rises whenever `entries` changes, metadata included."""
        return self._counters.value(Counter.CATALOG)

    def entries(self) -> dict[str, CatalogEntry]:
        """Give all entries in order of their ids, withdrawn ones too."""
        rows = self._connection.execute(select(table).order_by(table.c.id))
        return {row.id: _entry_of(row) for row in rows}

    def merge(
        self,
        source: str,
        updates: Sequence[Update],
        at: datetime,
        keep: Callable[[str], bool] = lambda _: False,
        *,
        may_be_empty: bool = False,
    ) -> CatalogChange:
        """Take in a complete, successful read of a source.

        New updates get revision 1; other packages or digests raise an update's revision; one that
        is listed no more is withdrawn, unless a listed one of its product supersedes it. All of
        it makes one new content version; other metadata is saved without one. An id that `keep`
        holds is not withdrawn: it was listed, and could not be read. Raises CatalogError for a
        read that cannot be whole (S29), as an empty one unless it `may_be_empty`, or that
        contradicts another source.
        """
        listed = _by_id(source, updates)
        known = self._known(source, listed)
        _check_whole(source, listed, known, may_be_empty=may_be_empty)
        unread = {one for one in known if one not in listed and keep(one)}
        readable = {one: row for one, row in known.items() if one not in unread}
        change = _compare(source, listed, readable, self.version())
        if not change.is_empty:
            self._counters.rise(Counter.CONTENT)
            self._counters.mark_site_policy()
        saved = self._save(source, listed, known, change, at)
        self._withdraw(change.withdrawn)
        if saved or change.withdrawn:
            self._counters.rise(Counter.CATALOG)
            self._counters.mark_change()
        self._note(source, fetched_at=at, problem="", failed_at=None)
        return change

    def sources(self) -> dict[str, SourceFreshness]:
        """Give the freshness of each source by its name."""
        rows = self._connection.execute(select(catalog_source).order_by(catalog_source.c.name))
        return {row.name: SourceFreshness(row.name, row.fetched_at, row.problem) for row in rows}

    def source_failed(self, name: str, problem: str, at: datetime) -> None:
        """Note why a source could not be read; its updates and last success stay (S29)."""
        fetched_at = self._connection.scalar(
            select(catalog_source.c.fetched_at).where(catalog_source.c.name == name)
        )
        self._note(name, fetched_at=fetched_at, problem=problem, failed_at=at)

    def forget_source(self, name: str) -> None:
        """Forget a source that git names no more; its updates stay, free for another source."""
        mine = table.c.source == name
        self._connection.execute(update(table).where(mine).values(source=_NOBODY))
        self._connection.execute(delete(catalog_source).where(catalog_source.c.name == name))

    def _known(self, source: str, listed: Mapping[str, Update]) -> Known:
        rows = self._connection.execute(_KNOWN.where(table.c.source == source)).all()
        known = {row.id: row for row in rows}
        for update_id in listed.keys() - known.keys():
            row = self._connection.execute(_KNOWN.where(table.c.id == update_id)).first()
            if row is not None:
                known[update_id] = row
        return known

    def _save(
        self,
        source: str,
        listed: Mapping[str, Update],
        known: Known,
        change: CatalogChange,
        at: datetime,
    ) -> bool:
        rows = list(_changed_rows(source, listed, known, change, at))
        if rows:
            self._connection.execute(upsert(table, self._connection), rows)
        return bool(rows)

    def _withdraw(self, ids: Sequence[str]) -> None:
        for update_id in ids:
            gone = update(table).where(table.c.id == update_id).values(withdrawn=True)
            self._connection.execute(gone)

    def _note(
        self, name: str, *, fetched_at: datetime | None, problem: str, failed_at: datetime | None
    ) -> None:
        row = {"name": name, "fetched_at": fetched_at, "problem": problem, "failed_at": failed_at}
        self._connection.execute(upsert(catalog_source, self._connection), row)


def _by_id(source: str, updates: Sequence[Update]) -> dict[str, Update]:
    listed: dict[str, Update] = {}
    for one in updates:
        if one.id in listed:
            raise CatalogError(f"source {source!r} lists update {one.id} twice")
        listed[one.id] = one
    return listed


def _check_whole(
    source: str, listed: Mapping[str, Update], known: Known, *, may_be_empty: bool
) -> None:
    live = [row.id for row in known.values() if row.source == source and not row.withdrawn]
    if live and not listed and not may_be_empty:
        raise CatalogError(
            f"source {source!r} listed nothing, and {len(live)} updates before",
            hint="if it is really empty, remove the source from git",
        )
    for update_id, one in listed.items():
        row = known.get(update_id)
        if row is None or row.withdrawn or row.source in {source, _NOBODY}:
            continue
        if row.content_digest != _content_digest(one):
            raise CatalogError(
                f"sources {row.source!r} and {source!r} list update {update_id} with other files",
                hint="let one source list each suite",
            )


def _compare(
    source: str, listed: Mapping[str, Update], known: Known, version: int
) -> CatalogChange:
    """Say what the read changes; every list is in order of its ids."""
    both = sorted(listed.keys() & known.keys())
    absent = {row.id for row in known.values() if row.source == source} - listed.keys()
    kept = _superseded(listed, known) if absent else set()
    change = CatalogChange(
        version=version,
        added=tuple(sorted(listed.keys() - known.keys())),
        revised=tuple(
            one for one in both if known[one].content_digest != _content_digest(listed[one])
        ),
        withdrawn=tuple(sorted(one for one in absent - kept if not known[one].withdrawn)),
        restored=tuple(one for one in both if known[one].withdrawn),
    )
    if change.is_empty:
        return change
    return CatalogChange(
        version + 1, change.added, change.revised, change.withdrawn, change.restored
    )


def _superseded(listed: Mapping[str, Update], known: Known) -> set[str]:
    """Give what listed updates supersede within their product, also through unlisted ones."""
    found: set[str] = set()
    waiting = [(one.product, older) for one in listed.values() for older in one.supersedes]
    while waiting:
        product, update_id = waiting.pop()
        row = known.get(update_id)
        if update_id in found or row is None or row.product != product:
            continue
        found.add(update_id)
        waiting += [(product, older) for older in json.loads(row.supersedes)]
    return found


def _changed_rows(
    source: str, listed: Mapping[str, Update], known: Known, change: CatalogChange, at: datetime
) -> Iterator[dict[str, Any]]:
    fresh = {*change.added, *change.revised}
    for update_id, one in sorted(listed.items()):
        row, body = known.get(update_id), encode(one)
        body_digest = digest_of(body)
        is_same = row is not None and row.body_digest == body_digest and row.source == source
        if is_same and update_id not in fresh and update_id not in change.restored:
            continue
        revision, since = (0, 0) if row is None else (row.revision, row.since)
        yield {
            "id": update_id,
            "source": source,
            "product": one.product,
            "supersedes": to_json(list(one.supersedes)),
            "revision": revision + 1 if update_id in fresh else revision,
            "since": change.version if update_id in fresh else since,
            "former": to_json(_former(row, revised=update_id in fresh)),
            "first_seen_at": at if row is None else row.first_seen_at,
            "withdrawn": False,
            "content_digest": _content_digest(one),
            "body_digest": body_digest,
            "body": pack(body),
        }


def _former(row: AnyRow | None, *, revised: bool) -> list[int]:
    """Give the content versions of the revisions before the one that is saved, newest last."""
    if row is None:
        return []
    known: list[int] = json.loads(row.former)
    return [*known, row.since][-_KEPT_REVISIONS:] if revised else known


def _content_digest(one: Update) -> str:
    """Digest what a revision counts: packages and digests, not other index text (S10)."""
    files = [
        [file.name, file.version, file.architecture, file.size, file.sha256]
        for file in one.packages
    ]
    if one.custom is not None:
        return digest_of(encode(one.custom))
    if not one.fixes:
        return digest_of(sorted(files))
    fixes = [[fix.ecosystem, fix.name, fix.version] for fix in one.fixes]
    return digest_of([sorted(files), sorted(fixes)])


def _entry_of(row: AnyRow) -> CatalogEntry:
    where = f"catalog entry {row.id}"
    return CatalogEntry(
        update=revive(Update, unpack(row.body, where), where),
        revision=row.revision,
        since=row.since,
        first_seen_at=row.first_seen_at,
        withdrawn=row.withdrawn,
        former=tuple(json.loads(row.former)),
    )
