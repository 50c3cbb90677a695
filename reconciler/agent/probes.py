"""Custom facts: what a command prints, or an expression finds in a file (A2)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Optional

from reconciler.agent.errors import CommandError
from reconciler.agent.home import read_bounded, write_atomically
from reconciler.agent.log import Log
from reconciler.agent.process import Runner, inside_root
from reconciler.model.canonical import canonical_json, digest_of
from reconciler.model.codec import decode, encode
from reconciler.model.messages import FactValue
from reconciler.model.policy import ProbeOrder

TIME_LIMIT = timedelta(seconds=30)
_FILE_LIMIT = 256 * 1024
_STATE_LIMIT = 4 * 1024 * 1024
_LONGEST = 1000
_INTEGER = re.compile(r"[+-]?[0-9]{1,18}", re.ASCII)
_NUMBER = re.compile(r"[+-]?[0-9]{1,18}(?:\.[0-9]{1,18})?", re.ASCII)
_VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z.+~:^_-]{0,199}", re.ASCII)
_BOOLEANS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


@dataclass(frozen=True)
class Found:
    """What a probe found at that instant of the site; `order` is the digest of what was asked."""

    at: datetime
    order: str
    value: Optional[FactValue] = None


@dataclass(frozen=True)
class _State:
    found: dict[str, Found] = field(default_factory=dict)


class Probes:
    """Makes the probes that are due and remembers what they found, in a file of the agent."""

    def __init__(self, root: Path, path: Path, runner: Runner, log: Log) -> None:
        self._root = root
        self._path = path
        self._runner = runner
        self._log = log

    def collect(self, orders: Iterable[ProbeOrder], now: datetime) -> dict[str, FactValue]:
        """Give the facts that were found; one that cannot be found out, or read, is absent."""
        known = self._load()
        found = {order.fact: self._look(order, known.get(order.fact), now) for order in orders}
        if found != known:
            write_atomically(self._path, canonical_json(encode(_State(found))))
        return {name: one.value for name, one in found.items() if one.value is not None}

    def _look(self, order: ProbeOrder, known: Optional[Found], now: datetime) -> Found:
        digest = digest_of(encode(order))
        if known is not None and known.order == digest and known.at <= now < known.at + order.every:
            return known
        try:
            text = self._run(order) if order.command else self._read(order)
        except (CommandError, OSError, ValueError, re.error) as error:
            self._log.warning("fact not found out", fact=order.fact, problem=error)
            return Found(now, digest)
        value = parse_value(text, order.type)
        if value is None:
            self._log.warning("fact of another type", fact=order.fact, expected=order.type)
        return Found(now, digest, value)

    def _run(self, order: ProbeOrder) -> str:
        done = self._runner(inside_root(self._root, order.command), {}, TIME_LIMIT)
        if done.code != 0:
            raise CommandError(f"{order.command[0]} ended with code {done.code}")
        return done.output

    def _read(self, order: ProbeOrder) -> str:
        path = self._root / order.file.lstrip("/")
        text = read_bounded(path, _FILE_LIMIT).decode("utf-8", "replace")
        match = re.search(order.match, text, re.MULTILINE)
        if match is None:
            raise CommandError(f"nothing in {order.file} fits the expression")
        return match.group(1) or ""

    def _load(self) -> dict[str, Found]:
        try:
            return decode(_State, json.loads(read_bounded(self._path, _STATE_LIMIT))).found
        except (OSError, ValueError):
            return {}


def parse_value(text: str, kind: str) -> Optional[FactValue]:
    """Read a value of the declared type, without the line's end; nothing where it is none."""
    text = text.strip()[: _LONGEST + 1]
    if len(text) > _LONGEST or not text.isprintable():
        return None
    if kind == "integer":
        return int(text) if _INTEGER.fullmatch(text) else None
    if kind == "number":
        return float(text) if _NUMBER.fullmatch(text) else None
    if kind == "boolean":
        return _BOOLEANS.get(text.lower())
    if kind == "version":
        return text if _VERSION.fullmatch(text) else None
    return text
