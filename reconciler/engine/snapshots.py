"""Snapshots: one file with all that a plan looks at beside the manifests.

A line that names the format, a line of JSON that says what follows, and one compressed body,
which is addressed by the SHA-256 of what it holds. Equal states give equal bodies.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from reconciler.desired.state import DesiredState
from reconciler.engine.redaction import (
    Matching,
    Redaction,
    names_in,
    naming_facts,
    recognise,
    redact,
)
from reconciler.engine.snapshot_fleet import (
    Blobs,
    fleet_json,
    matching_json,
    parse_fleet,
    parse_matching,
)
from reconciler.engine.snapshot_trust import Seal, Trust, check_trust
from reconciler.model.canonical import Json, canonical_json
from reconciler.model.codec import decode, encode
from reconciler.model.errors import SnapshotError, StoreError
from reconciler.model.ids import sha256_hex
from reconciler.model.permits import Permit
from reconciler.model.times import parse_instant, render_instant
from reconciler.model.updates import CatalogEntry
from reconciler.observed.catalog import Catalog, SourceFreshness
from reconciler.observed.memory import TABLES, Memory, key_of
from reconciler.observed.state import ObservedState
from reconciler.planning.fleet_checks import asked_facts
from reconciler.planning.world import SiteIdentity
from reconciler.store.record_rows import parse_record, record_json

MAGIC = b"patchwright-snapshot/1\n"
MOST_BYTES = 4 << 30
_LONGEST_HEADER = 64 << 10
_LENGTH = 8
_COMPRESSION, _PLAIN, _REDACTED = "zlib", "plain", "redacted"
_REPEATED = ("commit", "form", "now", "site")
_MATCHING_SALT = 16
_MOST_NAMED = 5
_DAMAGE = (
    ValueError, KeyError, TypeError, IndexError, OverflowError, StoreError, AttributeError,
    RecursionError, zlib.error,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a site knew at an instant; `commit` was carried out last then, if any was.

    A redacted one has pseudonyms for names, `hidden` are the facts of which it tells no value,
    and with `matching` names can be found again by who knows them. `exported_at` is when the file
    was written.
    """

    observed: ObservedState
    site: SiteIdentity
    now: datetime
    commit: str = ""
    exported_at: datetime | None = None
    redacted: bool = False
    hidden: tuple[str, ...] = ()
    matching: Matching | None = None


def redacted(
    snapshot: Snapshot, redaction: Redaction, *, matchable: bool, salt: bytes | None = None
) -> Snapshot:
    """Take the names out; `matchable` lets who knows a name find its computer."""
    fleet = snapshot.observed.fleet
    matching = None
    if matchable:
        salt = salt if salt is not None else os.urandom(_MATCHING_SALT)
        matching = Matching.make(salt, fleet.names)
    return replace(
        snapshot,
        observed=redact(snapshot.observed, redaction),
        redacted=True,
        hidden=tuple(sorted(naming_facts(fleet))),
        matching=matching,
    )


def recognising(snapshot: Snapshot, *states: DesiredState) -> Snapshot:
    """Give a redacted snapshot with the names that manifests hold, as far as it can be asked."""
    if snapshot.matching is None:
        return snapshot
    names = frozenset[str]().union(*map(names_in, states))
    return replace(snapshot, observed=recognise(snapshot.observed, snapshot.matching, names))


def blind_spots(snapshot: Snapshot, state: DesiredState) -> Iterator[str]:
    """Say what manifests ask for that a redacted snapshot does not tell."""
    if not snapshot.redacted:
        return
    facts = {fact for _, _, fact in asked_facts(state)} & set(snapshot.hidden)
    if facts:
        yield f"whom the hidden fact(s) {', '.join(sorted(facts))} select"
    if snapshot.matching is None:
        fleet = snapshot.observed.fleet
        lost = sorted(name for name in names_in(state) if not fleet.named(name))
        if lost:
            more = ", …" if len(lost) > _MOST_NAMED else ""
            named = ", ".join(lost[:_MOST_NAMED])
            yield f"named computer(s) that may have enrolled: {named}{more}"


def write_snapshot(snapshot: Snapshot, seal: Seal | None = None) -> tuple[bytes, str]:
    """Give the file's bytes, and the digest that addresses them; a seal is the site's signature."""
    body = _body(snapshot)
    digest = sha256_hex(body)
    header = {
        "body": {"sha256": digest, "size": len(body)},
        "commit": snapshot.commit,
        "compression": _COMPRESSION,
        "exportedAt": encode(snapshot.exported_at),
        "form": _form(snapshot),
        "now": render_instant(snapshot.now),
        "signature": None,
        "site": encode(snapshot.site),
    }
    if seal is not None:
        header["signature"] = seal(canonical_json(header))
    return MAGIC + canonical_json(header) + b"\n" + zlib.compress(body, 6), digest


def save_snapshot(snapshot: Snapshot, path: Path, seal: Seal | None = None) -> tuple[Path, str]:
    """Write the file whole or not at all; in a folder it is named by its digest.

    Only its owner may read it. Raises SnapshotError.
    """
    content, digest = write_snapshot(snapshot, seal)
    target = path / f"{digest}.snapshot" if path.is_dir() else path
    half = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        with os.fdopen(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
        half.replace(target)
    except OSError as error:
        half.unlink(missing_ok=True)
        raise SnapshotError(f"{target} cannot be written: {error.strerror}") from error
    return target, digest


def load_snapshot(path: Path, trust: Trust | None = None) -> Snapshot:
    """Read a file that `save_snapshot` wrote; raises SnapshotError.

    With trust it is refused before it is unpacked where it is not what is trusted.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise SnapshotError(f"{path} cannot be read: {error.strerror}") from error
    return read_snapshot(content, str(path), trust)


def is_snapshot(path: Path) -> bool:
    """Tell whether a file begins as a snapshot does, of whatever release."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(len(MAGIC)).startswith(MAGIC.partition(b"/")[0])


def read_snapshot(content: bytes, where: str, trust: Trust | None = None) -> Snapshot:
    """Make the snapshot of a file's bytes; `where` names it in the SnapshotError."""
    header, packed = _split(content, where)
    if trust is not None:
        check_trust(header, trust, where)
    try:
        index, blobs = _parse_body(_unpack(header, packed))
        _check_header(header, index)
        return _parse(header, index, blobs)
    except _DAMAGE as error:
        hint = "take it again with `patchwright snapshot export`"
        raise SnapshotError(f"{where} is damaged: {error}", hint=hint) from error


def _check_header(header: Json, index: Json) -> None:
    """Refuse what this release does not read, and a header that is about another body."""
    if index["form"] not in {_PLAIN, _REDACTED}:
        message = "it is in a form that this release does not read"
        raise ValueError(message)
    if any(header[name] != index[name] for name in _REPEATED):
        message = "its header and its body do not agree"
        raise ValueError(message)
    if not isinstance(header["signature"], str | None):
        message = "its signature is no text"
        raise TypeError(message)


def _parse(header: Json, index: Json, blobs: Blobs) -> Snapshot:
    memory = _parse_memory(index["memory"])
    fleet = parse_fleet(index["fleet"], blobs)
    return Snapshot(
        observed=ObservedState(
            fleet=fleet,
            catalog=_parse_catalog(index["catalog"]),
            memory=memory,
            latest_transition=memory.latest_transition(),
            fresh=index["fresh"] is True,
            permits=tuple(decode(Permit, one) for one in index["permits"]),
        ),
        site=decode(SiteIdentity, index["site"]),
        now=parse_instant(index["now"]),
        commit=str(index["commit"]),
        exported_at=_moment(header["exportedAt"]),
        redacted=index["form"] == _REDACTED,
        hidden=tuple(str(name) for name in index["hidden"]),
        matching=parse_matching(index["matching"], blobs, fleet),
    )


def _body(snapshot: Snapshot) -> bytes:
    blobs, observed = Blobs(), snapshot.observed
    index = {
        "site": encode(snapshot.site),
        "now": render_instant(snapshot.now),
        "commit": snapshot.commit,
        "form": _form(snapshot),
        "fresh": observed.fresh,
        "hidden": list(snapshot.hidden),
        "matching": matching_json(snapshot.matching, blobs),
        "permits": [encode(one) for one in observed.permits],
        "catalog": _catalog_json(observed.catalog),
        "memory": _memory_json(observed.memory),
        "fleet": fleet_json(observed.fleet, blobs, redacted=snapshot.redacted),
    }
    index["blobs"] = [len(part) for part in blobs.parts]
    text = canonical_json(index)
    return b"".join([len(text).to_bytes(_LENGTH, "big"), text, *blobs.parts])


def _form(snapshot: Snapshot) -> str:
    return _REDACTED if snapshot.redacted else _PLAIN


def _parse_body(body: bytes) -> tuple[Json, Blobs]:
    end = _LENGTH + int.from_bytes(body[:_LENGTH], "big")
    index = json.loads(body[_LENGTH:end])
    parts = []
    for size in index["blobs"]:
        if not isinstance(size, int) or not 0 <= size <= len(body) - end:
            message = "a part of it is missing"
            raise ValueError(message)
        parts.append(body[end : end + size])
        end += size
    return index, Blobs(parts)


def _split(content: bytes, where: str) -> tuple[Json, bytes]:
    if not content.startswith(MAGIC):
        hint = "make one with `patchwright snapshot export FILE`, and read it with the same release"
        raise SnapshotError(f"{where} is no snapshot of this release", hint=hint)
    if len(content) > MOST_BYTES:
        raise SnapshotError(f"{where} is larger than {MOST_BYTES >> 30} GiB")
    line, found, packed = content[len(MAGIC) :].partition(b"\n")
    try:
        header = json.loads(line) if found and len(line) <= _LONGEST_HEADER else None
        # What cannot be written again as it was read was never signed.
        canonical_json(header)
    except (ValueError, RecursionError):
        header = None
    if not isinstance(header, dict):
        raise SnapshotError(f"{where} is damaged: it does not say what it holds")
    return header, packed


def _unpack(header: Json, packed: bytes) -> bytes:
    size = header["body"]["size"]
    if header["compression"] != _COMPRESSION or not 0 < size <= MOST_BYTES:
        message = "its body is too large, or compressed in an unknown way"
        raise ValueError(message)
    body = zlib.decompressobj().decompress(packed, size + 1)
    if len(body) != size or sha256_hex(body) != header["body"]["sha256"]:
        message = "its body is not what its digest says"
        raise ValueError(message)
    return body


def _catalog_json(catalog: Catalog) -> Json:
    return {
        "version": catalog.version,
        "entries": [encode(catalog.entries[one]) for one in sorted(catalog.entries)],
        "sources": {
            name: {"fetchedAt": encode(one.fetched_at), "problem": one.problem}
            for name, one in catalog.sources.items()
        },
    }


def _parse_catalog(value: Json) -> Catalog:
    entries = [decode(CatalogEntry, one) for one in value["entries"]]
    sources = {
        name: SourceFreshness(name, _moment(one["fetchedAt"]), one["problem"])
        for name, one in value["sources"].items()
    }
    return Catalog(value["version"], {one.update.id: one for one in entries}, sources)


def _moment(text: str | None) -> datetime | None:
    return None if text is None else parse_instant(text)


def _memory_json(memory: Memory) -> Json:
    records = {
        kind.__name__: [record_json(table[key]) for key in sorted(table)]
        for kind, name in TABLES.items()
        for table in [getattr(memory, name)]
    }
    return {"nextNumber": memory.next_number, "records": records}


def _parse_memory(value: Json) -> Memory:
    tables: dict[str, Any] = {}
    for kind, name in TABLES.items():
        found = value["records"].pop(kind.__name__, [])
        records = [parse_record(kind.__name__, one, kind.__name__) for one in found]
        tables[name] = {key_of(record): record for record in records}
    if value["records"]:
        message = f"it remembers {min(value['records'])!r:.40}, which this release does not"
        raise ValueError(message)
    return Memory(**tables, next_number=value["nextNumber"])
