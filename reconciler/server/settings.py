"""What an operator may set about the management point, with defaults that fit."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """`site` is the site's code.

    A policy is valid for `policy_lifetime` and given anew when half of it is over. Above
    `max_waiters` waiting requests, others are told to come back after `retry_after`.
    `enrolments_per_minute` holds for each address.
    """

    site: str
    policy_lifetime: timedelta = timedelta(hours=1)
    max_waiters: int = 10_000
    retry_after: timedelta = timedelta(seconds=30)
    look_every: timedelta = timedelta(milliseconds=250)
    flush_every: timedelta = timedelta(seconds=1)
    enrolments_per_minute: int = 60
