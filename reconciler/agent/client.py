"""The agent's half of the protocol: enrol, policy, messages, content."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Optional, TypeVar, Union
from urllib.parse import quote

from reconciler.agent.connection import TIMEOUT, Answer, Connection
from reconciler.agent.errors import SiteUnreachableError
from reconciler.model.canonical import canonical_json
from reconciler.model.codec import decode, encode
from reconciler.model.errors import ContentError, ProtocolError
from reconciler.model.messages import Batch, BatchReply, EnrolReply, EnrolRequest, RenewReply
from reconciler.model.permits import PermitReply, PermitRequest
from reconciler.model.policy import SignedPolicy

T = TypeVar("T")
_CHUNK = 256 * 1024
_LONGEST_PATIENCE = 3600
_OK, _CREATED, _ACCEPTED, _PARTIAL, _UNCHANGED = 200, 201, 202, 206, 304
_TOO_MANY, _SERVER_ERROR, _UNAUTHORIZED = 429, 500, 401


class Site:
    """Speaks to one site as one computer; without a credential it can only enrol."""

    def __init__(self, server: str, ca: Optional[str], credential: str = "") -> None:
        self._connection = Connection(server, ca)
        self._authorization = {"Authorization": f"Bearer {credential}"} if credential else {}
        self._etag = ""

    def enrol(self, request: EnrolRequest) -> EnrolReply:
        """Ask to be managed; raises ProtocolError where the site refuses."""
        answer = self._post("/v1/enrol", encode(request))
        return self._take(EnrolReply, answer, _CREATED)

    def renew_credential(self) -> str:
        """Give a new credential, to be used once it is kept; raises ProtocolError."""
        return self._take(RenewReply, self._post("/v1/credential", {}), _CREATED).credential

    def use(self, credential: str) -> None:
        """Speak with this credential from now on."""
        self._authorization = {"Authorization": f"Bearer {credential}"}

    def fetch_policy(self, wait: timedelta) -> Optional[SignedPolicy]:
        """Give a policy newly signed, or nothing where none came within `wait`."""
        seconds = max(0, int(wait.total_seconds()))
        headers = {"If-None-Match": self._etag} if self._etag else {}
        answer = self._connection.request(
            "GET",
            f"/v1/policy?wait={seconds}",
            headers={**self._authorization, **headers},
            timeout=TIMEOUT + timedelta(seconds=seconds),
        )
        if answer.status == _UNCHANGED:
            return None
        policy = self._take(SignedPolicy, answer, _OK)
        self._etag = answer.headers.get("etag", "")
        return policy

    def forget_policy(self) -> None:
        """Ask for a whole policy next time, as the last one was not taken."""
        self._etag = ""

    def deliver(self, batch: Batch) -> BatchReply:
        """Hand a batch over; raises ProtocolError where the site refuses it."""
        return self._take(BatchReply, self._post("/v1/messages", encode(batch)), _ACCEPTED)

    def ask_permit(self, advertisement: str) -> PermitReply:
        """Ask to be let start a program now (S19); raises ProtocolError where that is refused."""
        answer = self._post("/v1/permits", encode(PermitRequest(advertisement)))
        return self._take(PermitReply, answer, _OK)

    def fetch_content(self, sha256: str, offset: int) -> Iterator[tuple[bool, bytes]]:
        """Yield parts of a file, each with whether it continues at `offset` or began anew.

        Raises ContentError where the site does not have it, SiteUnreachableError when it breaks
        off. The caller bounds what it takes, and checks it.
        """
        headers = {"Range": f"bytes={offset}-"} if offset else {}
        answer = self._connection.start(
            "GET", f"/v1/content/{quote(sha256)}", headers={**self._authorization, **headers}
        )
        whole = False
        try:
            if answer.status not in {_OK, _PARTIAL}:
                raise _refused_content(sha256, answer.status)
            continues = answer.status == _PARTIAL and offset > 0
            while True:
                chunk = answer.read(_CHUNK)
                if not chunk:
                    break
                yield continues, chunk
            if answer.length:
                raise SiteUnreachableError(f"the content {sha256} broke off")
            whole = True
        except (OSError, http.client.HTTPException) as error:
            raise SiteUnreachableError(f"the content {sha256} broke off: {error}") from error
        finally:
            if not whole:
                self._connection.close()

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _post(self, path: str, value: object) -> Answer:
        headers = {**self._authorization, "Content-Type": "application/json"}
        return self._connection.request("POST", path, headers=headers, body=canonical_json(value))

    def _take(self, kind: type[T], answer: Answer, expected: int) -> T:
        if answer.status != expected:
            raise _refusal(answer)
        try:
            return decode(kind, json.loads(answer.body))
        except ValueError as error:
            raise SiteUnreachableError(f"the site's answer cannot be read: {error}") from error


def _refusal(answer: Answer) -> Union[ProtocolError, SiteUnreachableError]:
    """Tell a refusal (4xx) from an answer that asks to come again."""
    message, hint = _read_error(answer.body)
    status = answer.status
    told = f"the site answered {status}: {message}" if message else f"the site answered {status}"
    if status == _TOO_MANY or not 400 <= status < _SERVER_ERROR:  # noqa: PLR2004
        return SiteUnreachableError(told, _read_retry_after(answer))
    if status == _UNAUTHORIZED and not hint:
        hint = "the token or the credential is not valid (any more): enrol with a new token"
    return ProtocolError(told, status=status, hint=hint)


def _refused_content(sha256: str, status: int) -> Union[ContentError, SiteUnreachableError]:
    message = f"the site answered {status} for the content {sha256}"
    if status == _TOO_MANY or status >= _SERVER_ERROR:
        return SiteUnreachableError(message)
    return ContentError(message)


def _read_error(body: bytes) -> tuple[str, str]:
    try:
        value = json.loads(body)
    except ValueError:
        return "", ""
    if not isinstance(value, dict):
        return "", ""
    return str(value.get("error", ""))[:500], str(value.get("hint", ""))[:500]


def _read_retry_after(answer: Answer) -> Optional[timedelta]:
    text = answer.headers.get("retry-after", "")
    if not (text.isascii() and text.isdigit()):
        return None
    return timedelta(seconds=min(int(text[:9]), _LONGEST_PATIENCE))
