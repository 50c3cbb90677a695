"""The agent's state in memory and on disk, which never differ after a step."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Optional

from reconciler.agent.home import AgentState, Home
from reconciler.agent.memory import Memory
from reconciler.agent.spool import Spool


class Journal:
    """Holds memory and spool; each step writes both at once, so a crash sees all of it or none."""

    def __init__(self, home: Home, local_now: datetime) -> None:
        self._home = home
        self.instance = uuid.uuid4().hex
        # Greater than any epoch before: a machine that lost its spool starts anew (J6).
        fresh = AgentState(Memory(), Spool(epoch=int(local_now.timestamp())))
        self._state = home.load_state() or fresh

    @property
    def memory(self) -> Memory:
        """What is remembered."""
        return self._state.memory

    @property
    def spool(self) -> Spool:
        """What is told and not yet acknowledged."""
        return self._state.spool

    def save(self, *, memory: Optional[Memory] = None, spool: Optional[Spool] = None) -> None:
        """Put new values in place and on disk in one step; raises AgentError."""
        state = AgentState(memory or self.memory, spool or self.spool)
        if state != self._state:
            self._home.save_state(state)
            self._state = state
