"""What can be seen at one instant, as plain objects."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from reconciler.desired.state import DesiredState
from reconciler.model.computers import Computer
from reconciler.model.updates import CatalogEntry

SITE = "main"


@dataclass(frozen=True)
class Sight:
    """The manifests in force, the newest evidence, and the instant (S25).

    `entered` gives the content version in which a revision of an update entered the catalog;
    `fresh` is false where a read failed (S29).
    """

    desired: DesiredState
    computers: Mapping[str, Computer]
    entries: Mapping[str, CatalogEntry]
    now: datetime
    entered: Mapping[tuple[str, int], int] = field(default_factory=dict)
    fresh: bool = True

    def enrolled(self) -> list[Computer]:
        """Give the computers that are enrolled and not retired (S5)."""
        return [one for one in self.computers.values() if not one.retired]

    def machine_class(self, computer: Computer) -> str:
        """Give the class of a machine, which is a server where nothing says otherwise."""
        told = computer.facts.get("class")
        return told if told in {"workstation", "portable"} else "server"
