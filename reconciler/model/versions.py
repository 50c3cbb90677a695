"""The order of package versions, as dpkg and rpm have it (S10).

Each version becomes a key that Python compares by itself; keys are cached, because a scan
meets the same versions again and again.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Union

DpkgKey = tuple[int, tuple[Union[int, str], ...], tuple[Union[int, str], ...]]
RpmKey = tuple[
    int, tuple[tuple[Union[int, str], ...], ...], tuple[tuple[Union[int, str], ...], ...]
]

_EPOCH = re.compile(r"[0-9]{1,10}", re.ASCII)
_DPKG_VERSION = re.compile(r"[0-9A-Za-z.+:~_-]{1,1000}", re.ASCII)
_DPKG_PARTS = re.compile(r"([^0-9]*)([0-9]*)", re.ASCII)
_RPM_PARTS = re.compile(r"([0-9]+)|([A-Za-z]+)|([~^])", re.ASCII)
_CACHED = 65536

# dpkg sorts a tilde before the end of a part, then letters, then all else.
_END = "\x01"
_DPKG_ORDER: dict[int, int] = {
    ord("~"): 0,
    **{ord(other): ord(other) + 256 for other in "+-.:_"},
}
# rpm sorts a tilde before the end, a caret after it, then letters, then numbers.
_RPM_TILDE, _RPM_END, _RPM_CARET, _RPM_LETTERS, _RPM_NUMBER = range(5)


@lru_cache(maxsize=_CACHED)
def dpkg_key(version: str) -> DpkgKey:
    """Give what sorts as dpkg sorts the version; raises ValueError where it is none."""
    if _DPKG_VERSION.fullmatch(version) is None:
        message = f"{version!r:.100} is not a version of a Debian package"
        raise ValueError(message)
    epoch, rest = _split_epoch(version)
    upstream, _, revision = rest.rpartition("-") if "-" in rest else (rest, "", "")
    return epoch, _dpkg_part(upstream), _dpkg_part(revision)


@lru_cache(maxsize=_CACHED)
def rpm_key(version: str) -> RpmKey:
    """Give what sorts as rpm sorts `[epoch:]version[-release]`; raises ValueError where it is none.

    A release that is not there sorts before every other.
    """
    epoch, rest = _split_epoch(version)
    upstream, _, release = rest.partition("-")
    if not upstream:
        message = f"{version!r:.100} is not a version of an rpm package"
        raise ValueError(message)
    return epoch, _rpm_part(upstream), _rpm_part(release)


def render_evr(epoch: str, version: str, release: str) -> str:
    """Write the parts of an rpm version as `[epoch:]version[-release]`; no epoch is epoch 0."""
    shown = f"{version}-{release}" if release else version
    return shown if epoch in {"", "0", "(none)"} else f"{epoch}:{shown}"


def compare_dpkg(first: str, second: str) -> int:
    """Give -1, 0 or 1 as the first is older than, equal to or newer than the second."""
    left, right = dpkg_key(first), dpkg_key(second)
    return (left > right) - (left < right)


def compare_rpm(first: str, second: str) -> int:
    """Give -1, 0 or 1 as the first is older than, equal to or newer than the second."""
    left, right = rpm_key(first), rpm_key(second)
    return (left > right) - (left < right)


def _split_epoch(version: str) -> tuple[int, str]:
    epoch, colon, rest = version.partition(":")
    if not colon:
        return 0, version
    if _EPOCH.fullmatch(epoch) is None:
        message = f"the version {version!r:.100} has an epoch that is not a number"
        raise ValueError(message)
    return int(epoch), rest


def _dpkg_part(part: str) -> tuple[Union[int, str], ...]:
    # Nothing equals 0: a version without a revision is one with the revision 0.
    key: list[Union[int, str]] = []
    for text, digits in _DPKG_PARTS.findall(part or "0"):
        key.append(text.translate(_DPKG_ORDER) + _END if text else _END)
        key.append(int(digits) if digits else 0)
    return tuple(key)


def _rpm_part(part: str) -> tuple[tuple[Union[int, str], ...], ...]:
    key: list[tuple[Union[int, str], ...]] = []
    for digits, letters, sign in _RPM_PARTS.findall(part):
        if digits:
            key.append((_RPM_NUMBER, int(digits)))
        elif letters:
            key.append((_RPM_LETTERS, letters))
        else:
            key.append((_RPM_TILDE if sign == "~" else _RPM_CARET,))
    key.append((_RPM_END,))
    return tuple(key)
