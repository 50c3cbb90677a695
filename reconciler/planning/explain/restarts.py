"""What a computer's agent said last of a restart that its updates or their programs need (H3)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from reconciler.model.messages import StatusId, StatusMessage
from reconciler.model.times import render_instant

_SAID: Mapping[int, str] = {
    StatusId.RESTART_FIRST_RESCHEDULED_BY_USER: "its user chose another time for the restart",
    StatusId.RESTART_FIRST_POSTPONED_BY_USER: "its user postponed the restart",
    StatusId.RESTART_FIRST_POSTPONED_AUTOMATICALLY: "the restart is put off, or suppressed there",
    StatusId.DONE_RESTART_RESCHEDULED_BY_USER: "its user chose another time for the restart",
    StatusId.DONE_RESTART_POSTPONED_BY_USER: "its user postponed the restart",
    StatusId.DONE_RESTART_POSTPONED_AUTOMATICALLY: "the restart is put off",
    StatusId.RESTART_STARTED_REQUIRED: "the restart has started",
    StatusId.RESTART_STARTED_FORCED: "the restart has started",
    StatusId.DONE_RESTART_SUPPRESSED_WORKSTATION: "the rollout suppresses restarts of workstations",
    StatusId.DONE_RESTART_SUPPRESSED_SERVER: "the rollout suppresses restarts of servers",
    StatusId.RESTART_NEEDED_TO_GO_ON: "the run goes on after a restart",
    StatusId.RESTART_REQUIRED: "users were told of the restart, and have their time",
    StatusId.RESTART_FAILED: "the machine did not restart",
}


def restart_told(statuses: Iterable[StatusMessage]) -> str:
    """Give the newest word of a restart since the newest run began, or nothing.

    `statuses` are newest first. A word of before that run is about another restart.
    """
    for one in statuses:
        if one.id in _SAID:
            because = f", {one.reason}" if one.reason else ""
            return f": {_SAID[one.id]} ({one.id}{because}, {render_instant(one.at)})"
        if one.id == StatusId.PROGRAM_STARTED:
            break
    return ""
