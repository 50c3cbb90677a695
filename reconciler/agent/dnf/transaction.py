"""What dnf says that it would do, and whether we may let it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from reconciler.agent.errors import RunRefusedError
from reconciler.agent.inventory import Inventory
from reconciler.agent.packages import Pin
from reconciler.agent.redaction import last_lines
from reconciler.model.run_reasons import Refusal

_ADDS = frozenset(
    {
        "Installing:",
        "Installing dependencies:",
        "Installing weak dependencies:",
        "Installing group/module packages:",
        "Upgrading:",
        "Downgrading:",
        "Reinstalling:",
    }
)
_REMOVES = frozenset({"Removing:", "Removing dependent packages:", "Removing unused dependencies:"})
_ROW = re.compile(
    r"(?P<name>\S+) (?P<architecture>[a-z0-9_]+) (?P<version>\S+-\S+) \S+ [0-9.]+(?: [kMG])?"
    r"(?= |$)",
    re.ASCII,
)
_REPLACED = re.compile(r"replacing\s+(\S+)\s+\S+", re.ASCII)
# What dnf prints in the C locale, and the reason that it stands for; the first that fits.
_FAILURES = (
    ("protected packages", Refusal.REMOVAL),
    ("more space needed", Refusal.DISK_FULL),
    ("exclude filtering", Refusal.EXCLUDED),
    ("modular filtering", Refusal.MODULE_DISABLED),
    ("No match for argument", Refusal.CONTENT_INCOMPLETE),
    ("Unable to find a match", Refusal.CONTENT_INCOMPLETE),
    ("attempted installs of", Refusal.DEPENDENCY_CONFLICT),
    ("conflicts with file from", Refusal.DEPENDENCY_CONFLICT),
    ("Problem", Refusal.DEPENDENCY_CONFLICT),
)
LOCKED = 200
"""The exit code of dnf where another one holds its lock and `exit_on_lock` is set."""


@dataclass(frozen=True)
class Transaction:
    """All that dnf would do: packages that it puts in place, and names that it takes out."""

    adds: tuple[Pin, ...]
    removes: tuple[str, ...]


def parse_transaction(output: str) -> Transaction:
    """Read the table of `dnf --assumeno`; raises RunRefusedError for rows of no known form."""
    adds: list[Pin] = []
    removes: list[str] = []
    for heading, text in _sections(output):
        plain = " ".join(_REPLACED.sub(" ", text).split())
        rows = list(_ROW.finditer(plain))
        left = _ROW.sub("", plain).strip()
        # An older version of itself, which a killed rpm left, is no package that goes.
        own = {f"{row['name']}.{row['architecture']}" for row in rows}
        removes += [name for name in _REPLACED.findall(text) if name not in own]
        if left or not (heading in _ADDS or heading in _REMOVES):
            said = f"{heading} {left}"
            raise RunRefusedError(
                Refusal.DNF_FAILED, f"dnf says what is not understood: {said[:200]!r}"
            )
        if heading in _REMOVES:
            removes += [row["name"] for row in rows]
        else:
            adds += [(row["name"], row["architecture"], row["version"]) for row in rows]
    return Transaction(tuple(adds), tuple(removes))


def check_transaction(
    transaction: Transaction,
    pins: Collection[Pin],
    offered: Collection[Pin],
    installed: Inventory,
) -> None:
    """Raise RunRefusedError where something would be removed, or changed without authorization.

    New packages are allowed: they can only come from the captured content (S18).
    """
    if transaction.removes:
        names = ", ".join(transaction.removes)
        raise RunRefusedError(Refusal.REMOVAL, f"it would remove {names}")
    for name, architecture, version in transaction.adds:
        there = [one for one in installed.get(name, ()) if one.architecture == architecture]
        if there and (name, architecture, version) not in offered:
            raise RunRefusedError(
                Refusal.UNAUTHORIZED_UPGRADE,
                f"it would change {name} from {there[0].version} to {version}, "
                "which is not in the offer",
            )
    absent = set(pins) - set(transaction.adds)
    if absent:
        name, _, version = min(absent)
        raise RunRefusedError(Refusal.CONTENT_INCOMPLETE, f"dnf would not install {name} {version}")


def explain_failure(code: int, output: str) -> RunRefusedError:
    """Turn what a failed simulation printed into a refusal with its reason."""
    said = last_lines(output, 500)
    if code == LOCKED:
        return RunRefusedError(Refusal.LOCKED, f"another program works on the packages: {said}")
    for text, reason in _FAILURES:
        if text in output:
            return RunRefusedError(reason, f"dnf would not do it: {said}")
    return RunRefusedError(Refusal.DNF_FAILED, f"dnf could not say what it would do: {said}")


def _sections(output: str) -> Iterator[tuple[str, str]]:
    """Give the table's parts: each heading with the rows below it."""
    _, _, table = output.partition("\nDependencies resolved.\n")
    heading = ""
    rows: list[str] = []
    for line in table.partition("\nTransaction Summary\n")[0].splitlines():
        if line[:1] not in {"", " ", "="}:
            if heading:
                yield heading, " ".join(rows)
            heading, rows = line.strip(), []
        elif heading and line.startswith(" "):
            rows.append(line)
    if heading:
        yield heading, " ".join(rows)
