"""One root, what its administrator decided, and its running system."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from reconciler.agent.boot import Boot
from reconciler.agent.configuration import Configuration


@dataclass(frozen=True)
class Surroundings:
    """What the agent finds on a machine before it does anything."""

    root: Path
    configuration: Configuration
    boot: Boot
