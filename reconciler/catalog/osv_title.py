"""What only the summary of an OSV record tells: severity, and the products it is about.

Publishers of Red Hat's family write `Important: httpd and mod_http2 security update`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from reconciler.model.updates import SEVERITY_WORDS, UpdateSeverity

_SEVERITY = re.compile(r"([A-Za-z]+): +(?=\S)")
_FOR = re.compile(r"security and bug fix(?:es)? for (.+)", re.IGNORECASE)
_TAIL = re.compile(r",? +(?:security|bug ?fix(?:es)?|enhancements?|update)\b.*", re.IGNORECASE)
_LIST = re.compile(r", and |, | and ")
_STREAM = re.compile(r"([^\s:]+):\S+")
_LONGEST_NAME = 100


@dataclass(frozen=True, slots=True)
class Title:
    """A summary, read. `severity` is nothing where the summary names none.

    `products` are in its order; of `php:8.1` the name without the stream comes first.
    """

    text: str
    severity: UpdateSeverity | None
    products: tuple[str, ...]


def parse_title(summary: str) -> Title:
    """Read a summary; a prefix that is no severity belongs to the text."""
    match = _SEVERITY.match(summary)
    severity = SEVERITY_WORDS.get(match.group(1).lower()) if match else None
    text = summary[match.end() :] if match and severity is not None else summary
    return Title(text, severity, tuple(dict.fromkeys(_products(text))))


def is_stream(product: str) -> bool:
    """Tell the stream of a module, `php:8.1`, from a name alone."""
    return _STREAM.fullmatch(product) is not None


def _products(text: str) -> list[str]:
    """Give the names before what was done to them; nothing where the text says it otherwise."""
    about = _FOR.fullmatch(text)
    named = about.group(1) if about else _TAIL.sub("", text)
    if not about and named == text:
        named, colon, _ = text.partition(": ")
        if not colon:
            return []
    found: list[str] = []
    for name in _LIST.split(named):
        stream = _STREAM.fullmatch(name)
        found += [stream.group(1), name] if stream else [name]
    return [name for name in found if name and len(name) <= _LONGEST_NAME]
