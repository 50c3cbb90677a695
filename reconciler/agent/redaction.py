"""Takes out of a text what might be a secret, before it is logged or sent."""

from __future__ import annotations

import re

_IN_URL = re.compile(r"(://)[^/\s@]+@")
_NAMED = re.compile(
    r"(?i)\b((?:pass(?:word|wd|phrase)?|secret|token|api[-_]?key|credential)s?[\"']?\s*[=:]\s*)\S+"
)
_BEARER = re.compile(r"(?i)\b(bearer|basic)\s+[-\w.~+/=]{8,}")
_BEFORE = 64 * 1024
"""So many characters before the end that is wanted are looked at: secrets may begin there."""


def redact(text: str) -> str:
    """Replace credentials in URLs, authorization headers and assignments by three stars."""
    text = _IN_URL.sub(r"\1***@", text)
    text = _NAMED.sub(r"\1***", text)
    return _BEARER.sub(r"\1 ***", text)


def last_lines(text: str, limit: int = 2000) -> str:
    """Give the end of a program's output, at most `limit` characters, without secrets."""
    # Cut only then: what is left of a secret without its beginning is not seen to be one.
    return redact(text.strip()[-(limit + _BEFORE) :])[-limit:]
