"""The port before the machine's package manager: it looks, says what it would do, and does it.

The loop, the scanner and the runs speak to a `PackageManager` and know neither apt nor dnf.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Optional, Protocol

from reconciler.agent.child import Ended
from reconciler.model.messages import FactValue
from reconciler.model.policy import Offer
from reconciler.model.run_reasons import Failure
from reconciler.model.updates import CatalogSlice, UpdateState

Pin = tuple[str, str, str]
"""Name, architecture and version of a package."""


@dataclass(frozen=True)
class Findings:
    """What a scan found: the state of each update that applies, and all packages by name (A2)."""

    states: dict[str, UpdateState]
    packages: dict[str, str]


@dataclass(frozen=True)
class Preparation:
    """What a run installs, and which of it was marked as automatically installed.

    With `own_sources` the files come from the machine's own sources (S18).
    """

    pins: tuple[Pin, ...]
    automatic: tuple[str, ...]
    own_sources: bool = False


@dataclass(frozen=True)
class Command:
    """A program with its arguments, and what it needs in its environment."""

    words: tuple[str, ...]
    environment: dict[str, str]


@dataclass(frozen=True)
class Settled:
    """How an install ended once the machine was looked at again; without a reason it worked.

    `code` is the exit code that stands for it, if there is one.
    """

    code: Optional[int]
    reason: Optional[Failure] = None
    detail: str = ""


class PackageManager(Protocol):
    """The package manager of one root."""

    def collect_facts(self) -> dict[str, FactValue]:
        """Give the facts that only it knows, `arch` among them; raises AgentError."""

    def scan(self, catalog: CatalogSlice) -> Findings:
        """Judge every update of the slice (S10); raises CommandError where it cannot look (S29)."""

    def compare(self, first: str, second: str) -> int:
        """Give -1, 0 or 1 as the first version is older, equal or newer; raises ValueError."""

    def repair(self) -> None:
        """Let it end what was interrupted before; what it cannot end `prepare` refuses."""

    def prepare(self, offer: Offer, missing: Collection[str]) -> Preparation:
        """Bring all that a run of the offer needs onto the disk, and try it without a change.

        Raises RunRefusedError, ContentError where content is not what was promised, CommandError,
        and SiteUnreachableError where it may work later.
        """

    def install_command(self, preparation: Preparation) -> Command:
        """Say what installs exactly what was prepared, and never removes."""

    def describe_holder(self) -> str:
        """Say which program installs or removes packages at this moment; nothing for nobody."""

    def settle(self, preparation: Preparation, ended: Ended) -> Settled:
        """Make whole what an install left, and say how it ended; raises CommandError."""

    def wants_restart(self) -> bool:
        """Tell whether the machine waits for a restart because of its packages."""
