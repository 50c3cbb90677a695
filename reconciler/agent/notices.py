"""What the users of this machine are shown, by a command of its administrator (G4)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from reconciler.agent.errors import CommandError
from reconciler.agent.log import Log
from reconciler.agent.process import Runner

_LIMIT = timedelta(seconds=10)


class Notices:
    """Runs `notify` of agent.json with the text as its last argument; else only logs it."""

    def __init__(self, command: Sequence[str], runner: Runner, log: Log) -> None:
        self._command = tuple(command)
        self._runner = runner
        self._log = log

    def show(self, text: str) -> None:
        """Show one sentence; a command that fails is logged and holds nothing up."""
        self._log.info("users are told", text=text)
        if not self._command:
            return
        try:
            done = self._runner((*self._command, text), {}, _LIMIT)
        except CommandError as error:
            self._log.warning("users not told", problem=error)
            return
        if done.code != 0:
            self._log.warning("users not told", code=done.code, problem=done.errors[-500:])
