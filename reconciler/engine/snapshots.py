"""Snapshots: one file with all that a plan looks at beside the manifests.

A line that names the format, a line of JSON that says what follows, and one compressed body,
which is addressed by the SHA-256 of what it holds. Equal states give equal bodies.
"""

from __future__ import annotations

import json
import os
import zlib
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from reconciler.engine.snapshot_fleet import Blobs, fleet_json, parse_fleet
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
from reconciler.planning.world import SiteIdentity
from reconciler.store.record_rows import parse_record, record_json

MAGIC = b"patchwright-snapshot/1\n"
MOST_BYTES = 4 << 30
_LONGEST_HEADER = 64 << 10
_LENGTH = 8
_COMPRESSION, _PLAIN = "zlib", "plain"
_DAMAGE = (ValueError, KeyError, TypeError, IndexError, OverflowError, StoreError, AttributeError)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a site knew at an instant; `commit` was carried out last then, if any was."""

    observed: ObservedState
    site: SiteIdentity
    now: datetime
    commit: str = ""


def write_snapshot(snapshot: Snapshot) -> tuple[bytes, str]:
    """Give the file's bytes, and the digest that addresses them."""
    body = _body(snapshot)
    digest = sha256_hex(body)
    header = {
        "body": {"sha256": digest, "size": len(body)},
        "commit": snapshot.commit,
        "compression": _COMPRESSION,
        "form": _PLAIN,
        "now": render_instant(snapshot.now),
        "signature": None,
        "site": encode(snapshot.site),
    }
    return MAGIC + canonical_json(header) + b"\n" + zlib.compress(body, 6), digest


def save_snapshot(snapshot: Snapshot, path: Path) -> tuple[Path, str]:
    """Write the file whole or not at all; in a folder it is named by its digest.

    Only its owner may read it. Raises SnapshotError.
    """
    content, digest = write_snapshot(snapshot)
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


def load_snapshot(path: Path) -> Snapshot:
    """Read a file that `save_snapshot` wrote; raises SnapshotError."""
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise SnapshotError(f"{path} cannot be read: {error.strerror}") from error
    return read_snapshot(content, str(path))


def is_snapshot(path: Path) -> bool:
    """Tell whether a file begins as a snapshot does, of whatever release."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(len(MAGIC)).startswith(MAGIC.partition(b"/")[0])


def read_snapshot(content: bytes, where: str) -> Snapshot:
    """Make the snapshot of a file's bytes; `where` names it in the SnapshotError."""
    header, packed = _split(content, where)
    try:
        body = _unpack(header, packed)
        index, blobs = _parse_body(body)
        if header["form"] != _PLAIN or header["signature"] is not None:
            message = "it is redacted or signed, which this release does not read"
            raise ValueError(message)
        memory = _parse_memory(index["memory"])
        return Snapshot(
            observed=ObservedState(
                fleet=parse_fleet(index["fleet"], blobs),
                catalog=_parse_catalog(index["catalog"]),
                memory=memory,
                latest_transition=memory.latest_transition(),
                fresh=index["fresh"] is True,
                permits=tuple(decode(Permit, one) for one in index["permits"]),
            ),
            site=decode(SiteIdentity, index["site"]),
            now=parse_instant(index["now"]),
            commit=str(header["commit"]),
        )
    except (*_DAMAGE, zlib.error) as error:
        hint = "take it again with `patchwright snapshot export`"
        raise SnapshotError(f"{where} is damaged: {error}", hint=hint) from error


def _body(snapshot: Snapshot) -> bytes:
    blobs, observed = Blobs(), snapshot.observed
    index = {
        "site": encode(snapshot.site),
        "now": render_instant(snapshot.now),
        "fresh": observed.fresh,
        "permits": [encode(one) for one in observed.permits],
        "catalog": _catalog_json(observed.catalog),
        "memory": _memory_json(observed.memory),
        "fleet": fleet_json(observed.fleet, blobs),
    }
    index["blobs"] = [len(part) for part in blobs.parts]
    text = canonical_json(index)
    return b"".join([len(text).to_bytes(_LENGTH, "big"), text, *blobs.parts])


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
    except ValueError:
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
