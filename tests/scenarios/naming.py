"""Short names that scenarios use: `app/1.1` of an update, `monthly/1/first` of a phase."""

from __future__ import annotations

import re
from collections.abc import Iterable

EVERYBODY = "everybody"
_ORIGIN = "deb:Lab/security/"
_RANGE = re.compile(r"(.*)\[([0-9]+)-([0-9]+)\]")


def full_id(name: str) -> str:
    """Give an update's id."""
    return _ORIGIN + name


def short_id(id_: str) -> str:
    """Give an update's short name."""
    return id_.removeprefix(_ORIGIN)


def split_release(name: str) -> tuple[str, int]:
    """Give the rollout and the number of `monthly/1`."""
    rollout, _, number = name.rpartition("/")
    return rollout, int(number)


def split_phase(name: str) -> tuple[str, int, str]:
    """Give the rollout, the number of the release, and the phase of `monthly/1/first`."""
    release, _, phase = name.rpartition("/")
    return (*split_release(release), phase)


def joined(*parts: str | int) -> str:
    """Give such a name."""
    return "/".join(str(part) for part in parts)


def spelled_out(names: Iterable[str]) -> list[str]:
    """Give every name of ranges such as `web-[1-3]`."""
    found: list[str] = []
    for name in names:
        match = _RANGE.fullmatch(name)
        if match is None:
            found.append(name)
        else:
            numbers = range(int(match[2]), int(match[3]) + 1)
            found += [f"{match[1]}{number}" for number in numbers]
    return found
