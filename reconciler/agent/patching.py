"""The signal that this machine is being patched, for monitoring that would raise an alarm (E2)."""

from __future__ import annotations

from pathlib import Path
from typing import Optional

from reconciler.agent.home import write_atomically
from reconciler.agent.memory import Memory

PLACE = Path("run/patchwright/patching")


class PatchingSignal:
    """ROOT/run/patchwright/patching: there while a run is under way, and holds its number."""

    def __init__(self, root: Path) -> None:
        self._path = root / PLACE

    def show(self, memory: Memory) -> None:
        """Make the file agree with what is remembered; raises AgentError."""
        run = _run_of(memory)
        if run is None:
            self._path.unlink(missing_ok=True)
            return
        self._path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        write_atomically(self._path, f"{run}\n".encode())
        self._path.chmod(0o644)


def _run_of(memory: Memory) -> Optional[int]:
    if memory.current is not None:
        return memory.current.run
    return memory.chain.run if memory.chain is not None else None
