"""Who may speak: agents' credentials and enrolment tokens, only as SHA-256."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, Table, delete, insert, select, update

from reconciler.store.schema import computer, credential, enrolment_token, next_credential

_KEPT_FOR = timedelta(days=90)


class CredentialRepository:
    """The credential of each computer, and the one that will take its place."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def save(self, computer_id: str, credential_sha256: str) -> None:
        """Give the computer this credential in place of any other."""
        self.revoke(computer_id)
        row = {"sha256": credential_sha256, "computer": computer_id}
        self._connection.execute(insert(credential), row)

    def computer_of(self, sha256: str) -> str | None:
        """Give the id of the computer whose credential this is, unless it is retired."""
        return self._holder(credential, sha256) or self._holder(next_credential, sha256)

    def offer(self, computer_id: str, credential_sha256: str) -> None:
        """Let the computer speak with this one too; the other stays good until this is used."""
        mine = next_credential.c.computer == computer_id
        self._connection.execute(delete(next_credential).where(mine))
        row = {"sha256": credential_sha256, "computer": computer_id}
        self._connection.execute(insert(next_credential), row)

    def settle(self, sha256: str) -> None:
        """A renewed credential that is used takes the place of the one before."""
        holder = self._holder(next_credential, sha256)
        if holder is not None:
            self.save(holder, sha256)

    def revoke(self, computer_id: str) -> None:
        """Make the computer's credentials void."""
        for table in (credential, next_credential):
            self._connection.execute(delete(table).where(table.c.computer == computer_id))

    def _holder(self, table: Table, sha256: str) -> str | None:
        query = (
            select(table.c.computer)
            .join(computer)
            .where(table.c.sha256 == sha256, computer.c.live_name.is_not(None))
        )
        return self._connection.scalar(query)


@dataclass(frozen=True, slots=True)
class TokenTerms:
    """What a token allows: until when, how often, and for which collection's machines."""

    expires_at: datetime
    uses: int = 1
    collection: str = ""


class TokenRepository:
    """Tokens that enrol one machine, or as many as their terms say (L1)."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def save(self, sha256: str, at: datetime, terms: TokenTerms, made_by: str = "") -> None:
        """Make a token; long expired ones are forgotten."""
        old = enrolment_token.c.expires_at < at - _KEPT_FOR
        self._connection.execute(delete(enrolment_token).where(old))
        row = {
            "sha256": sha256,
            "made_by": made_by,
            "made_at": at,
            "expires_at": terms.expires_at,
            "uses_left": terms.uses,
            "collection": terms.collection,
        }
        self._connection.execute(insert(enrolment_token), row)

    def spend(self, sha256: str, at: datetime) -> str | None:
        """Use the token once, and give its collection, or ""; None where it is no good (any more).

        An unknown, used up or expired token is no good.
        """
        columns = enrolment_token.c
        spent = (
            update(enrolment_token)
            .where(columns.sha256 == sha256, columns.uses_left > 0, columns.expires_at > at)
            .values(spent_at=at, uses_left=columns.uses_left - 1)
        )
        if self._connection.execute(spent).rowcount != 1:
            return None
        return self._connection.scalar(select(columns.collection).where(columns.sha256 == sha256))
