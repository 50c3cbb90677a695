"""Asking a forge: one request at a time, bounded in size and time."""

from __future__ import annotations

import email.utils
import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from reconciler.fetch.web import Asking, cut_after, request
from reconciler.model.canonical import Json
from reconciler.model.errors import ForgeError
from reconciler.model.times import UTC

_LARGEST_ANSWER = 32 << 20
_LONGEST_REASON = 300
_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
_PAUSE = 2.0


@dataclass(frozen=True, slots=True)
class Client:
    """Sends JSON to one interface; redirects are refused, for the token would go with them."""

    api: str
    headers: Mapping[str, str] = field(repr=False)
    timeout: timedelta = timedelta(seconds=20)
    within: timedelta = timedelta(seconds=60)
    proxies: Mapping[str, str] = field(default_factory=dict)

    def ask(self, method: str, path: str, payload: Json = None) -> Json:
        """Give the JSON of a 2xx answer; raises ForgeError, which tells whether to try again."""
        parts = urlsplit(self.api + path)
        headers = {"Content-Type": "application/json", "Accept": "application/json", **self.headers}
        body = None if payload is None else json.dumps(payload).encode()
        asking = Asking(method, headers, body)
        where = f"{method} {parts.hostname}{parts.path}"
        with cut_after(self.within) as watch:
            try:
                with request(parts, self.timeout, self.proxies, watch, asking) as answer:
                    return _read(where, answer)
            except (OSError, http.client.HTTPException) as error:
                why = "took longer than it may" if watch.has_cut else str(error)
                raise ForgeError(f"{where}: {why or 'no answer'}", retry_after=_PAUSE) from error


def _read(where: str, answer: http.client.HTTPResponse) -> Json:
    content = answer.read(_LARGEST_ANSWER + 1)
    if len(content) > _LARGEST_ANSWER:
        raise ForgeError(f"{where}: the answer is larger than 32 MiB")
    if not http.client.OK <= answer.status < http.client.MULTIPLE_CHOICES:
        raise ForgeError(
            f"{where}: HTTP {answer.status}{_reason(content)}",
            hint=_hint(answer.status),
            status=answer.status,
            retry_after=_retry_after(answer),
        )
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ForgeError(f"{where}: the answer is not JSON") from error


def _reason(content: bytes) -> str:
    """Give the forge's own word, on one line and without what a terminal would obey."""
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        return ""
    text = found.get("message") or found.get("error") if isinstance(found, dict) else None
    plain = "".join(one if one.isprintable() else " " for one in str(text or ""))
    return f": {plain[:_LONGEST_REASON]}" if plain else ""


def _hint(status: int) -> str:
    if status in {401, 403}:
        return "the token must be allowed to write comments and commit statuses"
    if http.client.MULTIPLE_CHOICES <= status < http.client.BAD_REQUEST:
        return "give the address that it leads to as --api-url"
    return "check the repository and the number" if status == http.client.NOT_FOUND else ""


def _retry_after(answer: http.client.HTTPResponse) -> float | None:
    told = answer.getheader("Retry-After", "").strip()
    is_spent = answer.getheader("x-ratelimit-remaining", "") == "0"
    limited = answer.status == http.client.FORBIDDEN and (told or is_spent)
    if answer.status not in _PASSING and not limited:
        return None
    if told.isascii() and told.isdigit():
        return float(told)
    if told:
        return _seconds_until(told)
    reset = answer.getheader("x-ratelimit-reset", "")
    if is_spent and reset.isascii() and reset.isdigit():
        return max(0.0, float(reset) - datetime.now(UTC).timestamp())
    return _PAUSE


def _seconds_until(text: str) -> float:
    try:
        at = email.utils.parsedate_to_datetime(text)
    except ValueError:
        return _PAUSE
    # Without a zone, which is written -0000, it is UTC all the same.
    there = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
    return max(0.0, (there - datetime.now(UTC)).total_seconds())
