"""Zones of wall times: an IANA name, or `local` for the computer's own (S3)."""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BeforeValidator

from reconciler.kinds.faults import describe_type, fault
from reconciler.kinds.fields import schema_of
from reconciler.model.codes import Code

LOCAL = "local"


@lru_cache(maxsize=1024)
def find_zone(name: str) -> ZoneInfo | None:
    """Give the zone of an IANA name, or nothing where the tzdata in use does not know it."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        # A path outside the database is a ValueError, a folder of it an OSError.
        return None


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
