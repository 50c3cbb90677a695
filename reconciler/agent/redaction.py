"""Takes out of a text what might be a secret, before it is logged or sent."""

from __future__ import annotations

import re

_IN_URL = re.compile(r"(://)[^/\s@]{1,200}@")
_NAMED = re.compile(
    r"(?i)\b((?:pass(?:word|wd|phrase)?|secret|token|api[-_]?key|credential)s?[\"']?\s*[=:]\s*)\S+"
)
_BEARER = re.compile(r"(?i)\b(bearer|basic)\s+[-\w.~+/=]{8,}")


def redact(text: str) -> str:
    """Replace credentials in URLs, authorization headers and assignments by three stars."""
    text = _IN_URL.sub(r"\1***@", text)
    text = _NAMED.sub(r"\1***", text)
    return _BEARER.sub(r"\1 ***", text)


def last_lines(text: str, limit: int = 2000) -> str:
    """Give the end of a program's output, at most `limit` characters, without secrets."""
    return redact(text.strip()[-limit:])
