"""Updates in the form in which `patchwright catalog show -o json` prints them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from reconciler.model.codec import decode
from reconciler.model.ids import DIGEST
from reconciler.model.updates import PackageFile, Update

_ID = re.compile(r"[!-~]{1,300}", re.ASCII)
_SCHEMES = frozenset({"http", "https", "file"})


def is_own_form(record: Mapping[str, Any]) -> bool:
    """Tell our own form from an OSV record, which has neither of the two."""
    return "update" in record or "packages" in record


def read_own(record: Mapping[str, Any], source: str) -> Update | None:
    """Give the update, or nothing for a withdrawn one; ValueError says what is wrong."""
    inner = record.get("update", record)
    update = replace(decode(Update, {"source": source, **_object(inner)}), source=source)
    _check(update)
    return None if record.get("withdrawn") is True else update


def _object(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        message = "update is no object"
        raise ValueError(message)  # noqa: TRY004  # a record's fault, not a caller's
    return value


def _check(update: Update) -> None:
    """Refuse what no source of ours would have made: it would be fetched and installed."""
    wrong = {
        # Command lines come from git alone.
        "custom": update.custom is not None,
        "removable": update.removable,
        "id": _ID.fullmatch(update.id) is None,
        "product": not update.product,
        "location": bool(update.packages) and not _is_location(update.location),
    }
    for field, is_wrong in wrong.items():
        if is_wrong:
            message = f"{field} is {getattr(update, field)!r:.80}"
            raise ValueError(message)
    for file in update.packages:
        _check_file(file)


def _check_file(file: PackageFile) -> None:
    parts = file.path.split("/")
    if not file.path.isprintable() or not file.path or ".." in parts or file.path[0] == "/":
        message = f"the path {file.path!r:.80} leaves the archive"
        raise ValueError(message)
    if DIGEST.fullmatch(file.sha256) is None or file.size < 0:
        message = f"{file.name!r:.80} has no digest and size"
        raise ValueError(message)


def _is_location(text: str) -> bool:
    url = urlsplit(text)
    return text.startswith("/") or (url.scheme in _SCHEMES and "@" not in url.netloc)
