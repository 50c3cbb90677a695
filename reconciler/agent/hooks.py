"""Hooks: commands of the machine's administrator that rollouts call by name.

A hook outlives the agent as an install does, and is waited for by the next one. Past its time
limit its whole process group is ended.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from reconciler.agent.child import Child
from reconciler.agent.clock import SiteClock, Stop
from reconciler.agent.errors import CommandError, RunRefusedError
from reconciler.agent.journal import Journal
from reconciler.agent.log import Log
from reconciler.agent.memory import HookRecord
from reconciler.agent.redaction import last_lines
from reconciler.model.orders import HookOrder
from reconciler.model.run_reasons import Refusal

_LOOK_EVERY = timedelta(milliseconds=100)


@dataclass(frozen=True)
class HookEnd:
    """How a hook ended; without a problem it worked."""

    problem: str = ""
    code: int = 0


@dataclass(frozen=True)
class HookTools:
    """What hooks need of the machine."""

    commands: Mapping[str, tuple[str, ...]]
    child: Child
    journal: Journal
    clock: SiteClock
    stop: Stop
    log: Log


class Hooks:
    """Runs the hooks that are configured here; there is at most one at a time."""

    def __init__(self, tools: HookTools) -> None:
        self._tools = tools

    def refuse_unknown(self, order: HookOrder) -> None:
        """Raise RunRefusedError where a hook is not configured on this machine."""
        for name in (order.before, order.after):
            if name and name not in self._tools.commands:
                raise RunRefusedError(
                    Refusal.HOOK_UNKNOWN, f"the hook {name} is not in this machine's agent.json"
                )

    def run(self, name: str, limit: timedelta) -> HookEnd:
        """Run a hook, or go on to wait for it; raises StoppedError, then it goes on."""
        if not name:
            return HookEnd()
        tools = self._tools
        record = tools.journal.memory.hook
        if record is None or record.name != name:
            record = HookRecord(name, tools.clock.now())
            tools.child.forget()
            tools.journal.save(memory=replace(tools.journal.memory, hook=record))
        end = self._see(record, limit)
        tools.journal.save(memory=replace(tools.journal.memory, hook=None))
        tools.log.info("hook ended", hook=name, problem=end.problem or "none")
        return end

    def _see(self, record: HookRecord, limit: timedelta) -> HookEnd:
        tools = self._tools
        command = tools.commands.get(record.name)
        if command is None:
            return HookEnd(f"the hook {record.name} is not in this machine's agent.json", 1)
        if not tools.child.is_running() and tools.child.read_end().code is None:
            tools.log.info("hook started", hook=record.name)
            try:
                tools.child.start(command, {}, limit)
            except CommandError as error:
                return HookEnd(str(error), 1)
        while tools.child.is_running():
            if tools.clock.now() >= record.began_at + limit:
                tools.child.kill()
                return HookEnd(f"the hook {record.name} took longer than {limit}", 1)
            tools.stop.sleep(_LOOK_EVERY)
        ended = tools.child.read_end()
        if ended.code == 0:
            return HookEnd()
        said = last_lines(ended.output, 1000)
        code = 1 if ended.code is None else ended.code
        return HookEnd(f"the hook {record.name} ended with code {code}: {said}", code)
