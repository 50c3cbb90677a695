"""Read many records: what is broken is set aside with its reason, and never fails the rest."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from reconciler.catalog.archive import Member
from reconciler.catalog.osv import read_osv
from reconciler.catalog.osv_supersedence import add_advisory_supersedence
from reconciler.catalog.own_form import is_own_form, read_own
from reconciler.model.errors import CatalogError
from reconciler.model.times import UTC
from reconciler.model.updates import Update
from reconciler.ports import Listing, SetAside

ReadRecord = Callable[[Mapping[str, Any], str], Update | None]
_ID_LIKE = re.compile(r"[A-Za-z0-9][A-Za-z0-9:._+~-]{0,199}", re.ASCII)
_ESCAPE = b"\\u"
_NEVER = datetime.min.replace(tzinfo=UTC)
_TWICE = "another record has its id; the one that was modified last counts"


def read_any(record: Mapping[str, Any], source: str) -> Update | None:
    """Read a record of either form, as a folder may hold both."""
    return read_own(record, source) if is_own_form(record) else read_osv(record, source)


def make_listing(members: Iterable[Member], source: str, read: ReadRecord) -> Listing:
    """Give the updates in order of their ids, with supersedence; raises CatalogError.

    Of two records with one id the one that was modified last counts.
    """
    updates: dict[str, Update] = {}
    set_aside: list[SetAside] = []
    retracted: set[str] = set()
    for where, content in members:
        for record in _records(where, content):
            found = record if isinstance(record, SetAside) else _read(where, record, source, read)
            if isinstance(found, SetAside):
                set_aside.append(found)
            elif isinstance(found, str):
                retracted.add(found)
            else:
                if found.id in updates:
                    set_aside.append(SetAside(where, found.id, _TWICE))
                updates[found.id] = _newest(found, updates.get(found.id))
    if not (updates or set_aside or retracted):
        hint = "JSON files are read; check the path"
        raise CatalogError(f"source {source!r} holds no record", hint=hint)
    chosen = [updates[one] for one in sorted(updates.keys() - retracted)]
    made = add_advisory_supersedence(chosen)
    aside = sorted(set_aside, key=lambda one: (one.where, one.id, one.reason))
    return Listing(made, tuple(aside), tuple(sorted(retracted)))


def narrow(listing: Listing, products: Iterable[str], classifications: Iterable[str]) -> Listing:
    """Keep what counts of a source; where nothing is named, all does."""
    names, classes = set(products), set(classifications)
    kept = tuple(
        one
        for one in listing.updates
        if (not names or not names.isdisjoint(one.all_products))
        and (not classes or one.classification in classes)
    )
    return replace(listing, updates=kept)


def _records(where: str, content: bytes | str) -> Iterator[dict[str, Any] | SetAside]:
    """Give the records of a file: one object, or a list of them."""
    name = _id_from(where)
    if isinstance(content, str):
        yield SetAside(where, name, content)
        return
    try:
        value = json.loads(content.decode("utf-8-sig"))
        if _ESCAPE in content:
            # Half of a surrogate pair can be escaped, and written nowhere.
            json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        yield SetAside(where, name, f"it is no JSON: {_first_line(error)}")
        return
    for item in value if isinstance(value, list) else [value]:
        yield item if isinstance(item, dict) else SetAside(where, name, "it is no JSON object")


def _read(
    where: str, record: dict[str, Any], source: str, read: ReadRecord
) -> Update | SetAside | str:
    """Give the update, the id of a retracted one, or why the record is set aside."""
    inner = record.get("update", record)
    named = inner.get("id") if isinstance(inner, dict) else None
    update_id = named if isinstance(named, str) and named else _id_from(where)
    try:
        return read(record, source) or update_id
    except ValueError as error:
        return SetAside(where, update_id[:200], _first_line(error))


def _newest(found: Update, other: Update | None) -> Update:
    if other is None:
        return found
    return max(other, found, key=lambda one: one.modified_at or _NEVER)


def _id_from(where: str) -> str:
    """Guess the id of a record that cannot be read from its file's name: publishers use it."""
    name = where.rpartition("/")[2].removesuffix(".json")
    return name if _ID_LIKE.fullmatch(name) else ""


def _first_line(error: BaseException) -> str:
    return str(error).partition("\n")[0][:300] or type(error).__name__
