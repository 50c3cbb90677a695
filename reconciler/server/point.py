"""What every endpoint needs, and who is speaking."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol, TypeVar, cast

from anyio import CapacityLimiter, to_thread
from starlette.requests import Request

from reconciler.model.errors import ProtocolError
from reconciler.model.ids import sha256_hex
from reconciler.model.permits import PermitReply
from reconciler.model.policy import Policy
from reconciler.ports import Clock
from reconciler.server.contacts import Contacts
from reconciler.server.limits import RateLimiter
from reconciler.server.metrics import Metrics
from reconciler.server.settings import ServerSettings
from reconciler.server.signing import Signer
from reconciler.server.waiters import Waiters
from reconciler.store import Store, View, Work

T = TypeVar("T")
_LONGEST_CREDENTIAL = 256
_BEARER = "bearer "

PolicyOf = Callable[[View, str, datetime], Policy]
"""Makes the policy of a computer, by id, at an instant."""


PermitOf = Callable[[Work, str, str, datetime], PermitReply]
"""Grants a computer, by id, a permit for an advertisement at an instant, or does not."""


class Depot(Protocol):
    """Where captured content lies."""

    def path_of(self, sha256: str) -> Path | None:
        """Give the file with that digest, or None."""


@dataclass(frozen=True, slots=True)
class ManagementPoint:
    """The parts of one running server."""

    store: Store
    depot: Depot
    policy_of: PolicyOf
    permit_of: PermitOf
    signer: Signer
    clock: Clock
    settings: ServerSettings
    waiters: Waiters
    contacts: Contacts
    metrics: Metrics
    enrolments: RateLimiter
    writers: CapacityLimiter

    def speaker(self, view: View, credential: str) -> str:
        """Give the id of the computer with that credential digest, and note the contact.

        Raises ProtocolError with status 401 where no enrolled computer has it.
        """
        computer = view.credentials.computer_of(credential)
        if computer is None:
            raise ProtocolError(
                "the credential is not one of an enrolled computer",
                status=401,
                hint="enrol this machine with a new token",
            )
        self.contacts.note(computer, self.clock.now())
        return computer

    async def write(self, save: Callable[[Work], T]) -> T:
        """Run a unit of work in a thread.

        Writers have few threads of their own: while another process holds the write lock, they
        must not take the threads from all who only read.
        """
        return await to_thread.run_sync(self._write, save, limiter=self.writers)

    def identify(self, credential: str) -> str:
        """Give the id of the computer with that credential digest, or refuse with 401."""
        with self.store.read() as view:
            return self.speaker(view, credential)

    def _write(self, save: Callable[[Work], T]) -> T:
        with self.store.write() as work:
            return save(work)


def point_of(request: Request) -> ManagementPoint:
    """Give the parts of the server that answers the request."""
    return cast("ManagementPoint", request.app.state.point)


def credential_of(request: Request) -> str:
    """Give the SHA-256 of the bearer credential, or refuse with 401."""
    header = request.headers.get("authorization", "")
    secret = header[len(_BEARER) :].strip()
    is_bearer = header[: len(_BEARER)].lower() == _BEARER
    if not is_bearer or not 0 < len(secret) <= _LONGEST_CREDENTIAL:
        raise ProtocolError(
            "the request names no credential", status=401, hint="send Authorization: Bearer"
        )
    return sha256_hex(secret.encode())
