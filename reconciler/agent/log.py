"""One line for each event, on stderr, as `key=value` pairs; never a secret."""

from __future__ import annotations

import json
import sys
from datetime import datetime, timezone

from reconciler.agent.redaction import redact

LEVELS = ("debug", "info", "warning", "error")
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:/+~@,")
_LONGEST_VALUE = 1000


class Log:
    """Writes the events of one level and above."""

    def __init__(self, level: str = "info") -> None:
        self._level = LEVELS.index(level)

    def debug(self, event: str, **fields: object) -> None:
        """Tell what only somebody who looks for a fault wants to know."""
        self._write("debug", event, fields)

    def info(self, event: str, **fields: object) -> None:
        """Tell what changed."""
        self._write("info", event, fields)

    def warning(self, event: str, **fields: object) -> None:
        """Tell what went wrong and will be tried again."""
        self._write("warning", event, fields)

    def fault(self, event: str, **fields: object) -> None:
        """Tell what needs a person."""
        self._write("error", event, fields)

    def _write(self, level: str, event: str, fields: dict[str, object]) -> None:
        if LEVELS.index(level) < self._level:
            return
        at = datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        pairs = {"at": at, "level": level, "event": event, **fields}
        line = " ".join(f"{key}={render_value(value)}" for key, value in pairs.items())
        sys.stderr.write(line + "\n")
        sys.stderr.flush()


def render_value(value: object) -> str:
    """Write a value on one line, in quotes where it is not one plain word."""
    text = redact(str(value))[:_LONGEST_VALUE]
    return text if text and _PLAIN.issuperset(text) else json.dumps(text, ensure_ascii=False)
