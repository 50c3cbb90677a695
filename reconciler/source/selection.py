"""Which files below the path are read: YAML and tables, not hidden, not ignored."""

from __future__ import annotations

from dataclasses import dataclass

import re2

from reconciler.model.errors import SourceError

IGNORE_FILE = ".patchwrightignore"
LARGEST_IGNORE_FILE = 64 << 10
MOST_FILES = 100_000
MOST_BYTES = 512 << 20
TABLE_SUFFIX = ".csv"
_SUFFIXES = (".yaml", ".yml", TABLE_SUFFIX)
_LONGEST_PATTERN = 300


@dataclass(frozen=True, slots=True)
class _Rule:
    pattern: object
    ignores: bool
    folders_only: bool


class Selection:
    """Patterns as in .gitignore: the last one that fits decides, and `!` takes back in.

    What stands in an ignored folder cannot be taken back in.
    """

    def __init__(self, ignore_text: str = "") -> None:
        lines = (line.rstrip() for line in ignore_text.splitlines())
        self._rules = tuple(_rule(line) for line in lines if line and not line.startswith("#"))

    def wants_folder(self, path: str) -> bool:
        """Tell whether a folder, given below the top, is entered."""
        return not _is_hidden(path) and not self._ignores(path, is_folder=True)

    def wants_file(self, path: str) -> bool:
        """Tell whether a file whose folders are entered is a manifest, or may be its table."""
        if _is_hidden(path) or not path.endswith(_SUFFIXES):
            return False
        return not self._ignores(path, is_folder=False)

    def _ignores(self, path: str, *, is_folder: bool) -> bool:
        ignored = False
        for rule in self._rules:
            if rule.folders_only and not is_folder:
                continue
            if _fits(rule.pattern, path):
                ignored = rule.ignores
        return ignored


def make_selection(content: bytes) -> Selection:
    """Read an ignore file; raises SourceError where it is no text or too large."""
    if len(content) > LARGEST_IGNORE_FILE:
        message = f"{IGNORE_FILE} is larger than 64 KiB"
        raise SourceError(message, hint="shorten it")
    try:
        return Selection(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        message = f"{IGNORE_FILE} is not UTF-8 text"
        raise SourceError(message, hint="save it as UTF-8") from error


def _is_hidden(path: str) -> bool:
    return path.rpartition("/")[2].startswith(".")


def _fits(pattern: object, path: str) -> bool:
    return bool(re2.fullmatch(pattern, path))


def _rule(line: str) -> _Rule:
    ignores = not line.startswith("!")
    body = line[0 if ignores else 1 :]
    folders_only = body.endswith("/")
    body = body.rstrip("/")
    # A pattern without a slash fits at any depth, one with a slash from the top.
    prefix = "" if "/" in body else "(?:.*/)?"
    text = prefix + _expression(body.lstrip("/")[:_LONGEST_PATTERN])
    try:
        return _Rule(re2.compile(text), ignores, folders_only)
    except re2.error as error:
        message = f"{IGNORE_FILE} has the line {line!r:.80}, which is no pattern"
        raise SourceError(message, hint="write patterns as in .gitignore") from error


def _expression(glob: str) -> str:
    """Turn a glob into an expression: `*` and `?` stay in a folder, `**` crosses folders."""
    made: list[str] = []
    at = 0
    while at < len(glob):
        if glob.startswith("**/", at):
            made.append("(?:.*/)?")
            at += 3
            continue
        if glob.startswith("**", at):
            made.append(".*")
            at += 2
            continue
        if glob[at] == "\\" and at + 1 < len(glob):
            made.append(re2.escape(glob[at + 1]))
            at += 2
            continue
        made.append({"*": "[^/]*", "?": "[^/]"}.get(glob[at]) or re2.escape(glob[at]))
        at += 1
    return "".join(made)
