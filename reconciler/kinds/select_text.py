"""Whether a text is one SQL statement that only reads, judged by its words alone.

It is a first barrier with places in manifests; what runs the query must open the database
read-only as well.
"""

from __future__ import annotations

import re

_LONGEST = 20_000
_TOKEN = re.compile(
    r"(?P<skip>\s+|--[^\n]*|/\*.*?\*/)"
    r"|(?P<quoted>'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\")"
    r"|(?P<word>[A-Za-z_][A-Za-z0-9_$]*)"
    r"|(?P<other>.)",
    re.DOTALL,
)
_OPENINGS = frozenset({"SELECT", "WITH"})
_WRITING = frozenset(
    {
        "ALTER",
        "ANALYZE",
        "ATTACH",
        "BEGIN",
        "CALL",
        "COMMIT",
        "COPY",
        "CREATE",
        "DELETE",
        "DETACH",
        "DO",
        "DROP",
        "EXECUTE",
        "GRANT",
        "INSERT",
        "INTO",
        "LOCK",
        "MERGE",
        "PRAGMA",
        "REINDEX",
        "REVOKE",
        "ROLLBACK",
        "SAVEPOINT",
        "SET",
        "TRUNCATE",
        "UPDATE",
        "VACUUM",
    }
)


def complaint_about(query: str) -> str:
    """Say what keeps the text from being one reading statement; nothing where it is one."""
    if len(query) > _LONGEST:
        return f"the query is longer than {_LONGEST:,} characters"
    tokens = [match for match in _TOKEN.finditer(query) if match.lastgroup != "skip"]
    if not tokens:
        return "the query is empty"
    first = tokens[0].group().upper()
    if tokens[0].lastgroup != "word" or first not in _OPENINGS:
        return f"the query begins with {tokens[0].group()!r:.40}, not with SELECT"
    for number, token in enumerate(tokens):
        text = token.group()
        if text == ";" and number < len(tokens) - 1:
            return "the query is more than one statement"
        if token.lastgroup == "word" and text.upper() in _WRITING:
            return f"the query has the word {text.upper()}, and it may only read"
        if token.lastgroup == "other" and text in "'\"":
            return f"a {text} is never closed"
    if first == "WITH" and "SELECT" not in {token.group().upper() for token in tokens}:
        return "the query has no SELECT"
    return ""
