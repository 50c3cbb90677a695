"""What the machine's administrator decided about versions: packages on hold, and pins of apt."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence

from reconciler.agent.apt.programs import Apt
from reconciler.agent.errors import RunRefusedError
from reconciler.agent.inventory import Inventory
from reconciler.agent.packages import Pin
from reconciler.model.run_reasons import Refusal
from reconciler.model.versions import compare_dpkg

_CANDIDATE = re.compile(r"  Candidate: (\S+)", re.ASCII)
_VERSION = re.compile(r"(?: {5}| \*{3} )(\S+) (-?[0-9]+)(?: .*)?", re.ASCII)
_NONE = "(none)"


def refuse_held(pins: Collection[Pin], installed: Inventory) -> None:
    """Raise RunRefusedError where a package is on hold."""
    held = sorted({name for name, _, _ in pins for found in installed.get(name, ()) if found.held})
    if held:
        raise RunRefusedError(Refusal.HELD, f"the machine's administrator holds {', '.join(held)}")


def refuse_pinned(pins: Sequence[Pin], captured: Apt, own: Apt) -> None:
    """Raise RunRefusedError where the machine's preferences keep a version away.

    Either they choose an older version of the package although `captured` has ours, or they
    forbid ours, by a negative priority, where the machine's own sources have it.
    """
    names = sorted({name for name, _, _ in pins})
    older = dict(parse_candidates(captured.show_policy(names)))
    forbidden = frozenset(parse_forbidden(own.show_policy(names)))
    for name, _, version in sorted(pins):
        chosen = older.get(name, version)
        if (name, version) in forbidden or (chosen == _NONE or compare_dpkg(chosen, version) < 0):
            raise RunRefusedError(
                Refusal.PINNED,
                f"a pin in the machine's apt preferences keeps {name} from {version}",
            )


def parse_candidates(output: str) -> Iterator[tuple[str, str]]:
    """Read the candidate of each package from `apt-cache policy NAME…`."""
    for name, line in _lines(output):
        if found := _CANDIDATE.fullmatch(line):
            yield name, found[1]


def parse_forbidden(output: str) -> Iterator[tuple[str, str]]:
    """Read which versions, as (name, version), have a negative priority."""
    for name, line in _lines(output):
        if (found := _VERSION.fullmatch(line)) and found[2].startswith("-"):
            yield name, found[1]


def _lines(output: str) -> Iterator[tuple[str, str]]:
    name = ""
    for line in output.splitlines():
        if not line.startswith(" ") and line.endswith(":"):
            name = line[:-1].partition(":")[0]
        yield name, line
