"""What an offer is to bring about."""

from __future__ import annotations

from enum import Enum

INSTALL, UNINSTALL = "install", "uninstall"


class Aim(Enum):
    """Whether updates shall be there or be gone; and whether those that others replace count."""

    INSTALL = "install"
    INSTALL_SUPERSEDED_TOO = "installSupersededToo"
    REMOVE = "remove"

    @property
    def program(self) -> str:
        """The name and the type of the program that does it (I1, I4)."""
        return UNINSTALL if self is Aim.REMOVE else INSTALL
