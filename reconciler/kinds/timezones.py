"""Zones of wall times: an IANA name, or `local` for the computer's own (S3)."""

from __future__ import annotations

import re
from functools import lru_cache
from importlib.metadata import version
from importlib.resources import files
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator

from reconciler.kinds.faults import describe_type, fault
from reconciler.kinds.fields import schema_of
from reconciler.model.codes import Code

LOCAL = "local"
_TZDATA = "tzdata"
_NAME = re.compile(r"[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+){0,2}", re.ASCII)


@lru_cache(maxsize=1024)
def find_zone(name: str) -> ZoneInfo | None:
    """Give the zone of an IANA name, or nothing where the tzdata in use does not know it.

    That is the installed package and never the machine's own, so that a wall time is the same
    instant wherever it is planned.
    """
    entry = files(_TZDATA).joinpath("zoneinfo", name)
    if _NAME.fullmatch(name) is None or not entry.is_file():
        return None
    try:
        with entry.open("rb") as opened:
            return ZoneInfo.from_file(opened, key=name)
    except ValueError:  # a table that is no zone
        return None


def zone_or_utc(name: str | None) -> ZoneInfo:
    """Give the zone of a name that may be absent; else UTC."""
    return (find_zone(name) if name is not None else None) or ZoneInfo("UTC")


@lru_cache(maxsize=1)
def tzdata_version() -> str:
    """Name the version of the time zone database in use."""
    return version(_TZDATA)


def _read(value: object) -> str:
    if not isinstance(value, str):
        raise fault(Code.WRONG_TYPE, f"expected a time zone, found {describe_type(value)}")
    if find_zone(value) is None:
        hint = "write an IANA name such as Europe/Rome, or UTC"
        raise fault(Code.BAD_TIMEZONE, f"{value!r:.80} is not a time zone that is known", hint)
    return value


def _read_or_local(value: object) -> str:
    return LOCAL if value == LOCAL else _read(value)


Timezone = Annotated[
    str, BeforeValidator(_read), schema_of(r"[A-Za-z0-9_+/-]+", "An IANA name, as Europe/Rome.")
]
TimezoneOrLocal = Annotated[
    str,
    BeforeValidator(_read_or_local),
    schema_of(r"[A-Za-z0-9_+/-]+", "`local` (the computer's own), or an IANA name."),
]
