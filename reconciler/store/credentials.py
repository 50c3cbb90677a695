"""Who may speak: agents' credentials and one-time enrolment tokens, only as SHA-256."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, select, update

from reconciler.store.schema import computer, credential, enrolment_token

_KEPT_FOR = timedelta(days=90)


class CredentialRepository:
    """The one credential of each computer."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def save(self, computer_id: str, credential_sha256: str) -> None:
        """Give the computer this credential in place of any other."""
        self.revoke(computer_id)
        row = {"sha256": credential_sha256, "computer": computer_id}
        self._connection.execute(insert(credential), row)

    def computer_of(self, sha256: str) -> str | None:
        """Give the id of the computer whose credential this is, unless it is retired."""
        query = (
            select(credential.c.computer)
            .join(computer)
            .where(credential.c.sha256 == sha256, computer.c.live_name.is_not(None))
        )
        return self._connection.scalar(query)

    def revoke(self, computer_id: str) -> None:
        """Make the computer's credential void."""
        self._connection.execute(delete(credential).where(credential.c.computer == computer_id))


class TokenRepository:
    """Tokens that each enrol one machine (L1)."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def save(self, sha256: str, at: datetime, expires_at: datetime, made_by: str = "") -> None:
        """Make a token valid until it expires; long expired ones are forgotten."""
        old = enrolment_token.c.expires_at < at - _KEPT_FOR
        self._connection.execute(delete(enrolment_token).where(old))
        row = {"sha256": sha256, "made_by": made_by, "made_at": at, "expires_at": expires_at}
        self._connection.execute(insert(enrolment_token), row)

    def spend(self, sha256: str, at: datetime) -> bool:
        """Use the token up; False where it is unknown, used or expired."""
        columns = enrolment_token.c
        spent = (
            update(enrolment_token)
            .where(columns.sha256 == sha256, columns.spent_at.is_(None), columns.expires_at > at)
            .values(spent_at=at)
        )
        return self._connection.execute(spent).rowcount == 1
