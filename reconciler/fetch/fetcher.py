"""Fetching files of archives: bounded in size and time, from http, https and file URLs.

An adapter below the rooms that need it, so that catalog and content need not know each other.
"""

from __future__ import annotations

import errno
import http.client
import os
import stat
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeVar
from urllib.parse import SplitResult, quote, unquote, urljoin, urlsplit

from reconciler.fetch.web import Watch, cut_after, request
from reconciler.model.errors import FetchError

T = TypeVar("T")
_CHUNK = 256 * 1024
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MAX_REDIRECTS = 5
_GONE = frozenset({404, 410})
_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
_WEB = frozenset({"http", "https"})


@dataclass(frozen=True, slots=True)
class Fetcher:
    """Fetches one file at a time.

    `timeout` bounds each wait for the other side and `within` the whole file; a failure that may
    pass is tried `tries` times, `pause` apart. `proxies` are those of urllib's `getproxies`.
    """

    timeout: timedelta = timedelta(seconds=30)
    within: timedelta = timedelta(minutes=30)
    tries: int = 3
    pause: timedelta = timedelta(seconds=1)
    proxies: Mapping[str, str] = field(default_factory=dict)

    def read(self, url: str, limit: int) -> bytes:
        """Give a whole file of at most `limit` bytes; raises FetchError."""
        return self.take(url, limit, b"".join)

    def take(self, url: str, limit: int, consume: Callable[[Iterable[bytes]], T]) -> T:
        """Give what `consume` makes of the file's chunks; it is called anew for each try.

        Raises FetchError, and whatever `consume` raises at once.
        """
        number = 0
        while True:
            number += 1
            try:
                with closing(self.stream(url, limit)) as chunks:
                    return consume(chunks)
            except FetchError as error:
                if not error.may_pass or number >= self.tries:
                    raise
                time.sleep(self.pause.total_seconds() * number)

    def stream(self, url: str, limit: int) -> Generator[bytes, None, None]:
        """Yield a file's chunks, in one try; raises FetchError, also in the middle."""
        parts = _split(url)
        if parts.scheme not in _WEB:
            yield from _read_file(url, unquote(parts.path), limit)
            return
        with cut_after(self.within) as watch:
            for _ in range(_MAX_REDIRECTS + 1):
                with (
                    _web_errors(url, watch),
                    request(parts, self.timeout, self.proxies, watch) as answer,
                ):
                    if answer.status not in _REDIRECTS:
                        yield from _read_answer(url, answer, limit)
                        return
                    parts = _follow(url, parts, answer.getheader("Location", ""))
        raise FetchError(f"{url} redirects more than {_MAX_REDIRECTS} times")


def join_url(base: str, path: str) -> str:
    """Give the URL of a file below a base URL or absolute path."""
    start = quote(base) if base.startswith("/") else base
    return f"{start.rstrip('/')}/{quote(path, safe='/+:~,@=!$')}"


def _split(url: str) -> SplitResult:
    """Take a URL apart; an absolute path is a file URL. Refuses credentials, which would leak."""
    try:
        parts = urlsplit("file://" + url if url.startswith("/") else url)
        known = bool(parts.hostname) if parts.scheme in _WEB else parts.scheme == "file"
        port_is_number = parts.port != 0
    except ValueError:
        known = port_is_number = False
    if not known or not port_is_number or not url.isascii() or not url.isprintable():
        raise FetchError(f"{url!r:.300} is no http, https or file URL")
    if "@" in parts.netloc:
        raise FetchError(f"the URL of {parts.hostname} holds credentials", hint="take them out")
    if parts.scheme == "file" and parts.netloc not in {"", "localhost"}:
        raise FetchError(f"{url} is a file of another host", hint="write file:///path")
    return parts


def _follow(url: str, parts: SplitResult, target: str) -> SplitResult:
    """Follow a redirect to another web address, never to a file of this host."""
    following = _split(urljoin(parts.geturl(), target))
    if following.scheme not in _WEB:
        raise FetchError(f"{url} redirects to something that is no web address")
    return following


def _read_answer(url: str, answer: http.client.HTTPResponse, limit: int) -> Iterator[bytes]:
    if answer.status != http.client.OK:
        status = answer.status
        raise FetchError(
            f"{url}: HTTP {status} {answer.reason}",
            may_pass=status in _PASSING,
            is_missing=status in _GONE,
        )
    promised = answer.length
    yield from _bounded(url, iter(lambda: answer.read1(_CHUNK), b""), limit, promised)


def _read_file(url: str, path: str, limit: int) -> Iterator[bytes]:
    with _file_errors(url):
        # A pipe in the archive must not keep us waiting for its other end.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb", buffering=0) as file:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode):
                raise FetchError(f"{url} is no regular file")
            yield from _bounded(url, iter(lambda: file.read(_CHUNK), b""), limit, found.st_size)


def _bounded(
    url: str, chunks: Iterable[bytes], limit: int, promised: int | None
) -> Iterator[bytes]:
    if promised is not None and promised > limit:
        raise FetchError(f"{url} has {promised} bytes, more than the {limit} that are allowed")
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if size > limit:
            raise FetchError(f"{url} has more than the {limit} bytes that are allowed")
        yield chunk
    if promised is not None and size < promised:
        raise FetchError(f"{url} broke off after {size} of {promised} bytes", may_pass=True)


@contextmanager
def _web_errors(url: str, watch: Watch) -> Iterator[None]:
    try:
        yield
    except (OSError, http.client.HTTPException) as error:
        if not watch.has_cut:
            text = str(error) or type(error).__name__
            raise FetchError(f"{url}: {text}", may_pass=True) from error
    except FetchError:
        if not watch.has_cut:
            raise
    # A connection that was cut off may also look like one that the other side ended.
    if watch.has_cut:
        raise FetchError(f"{url} took longer than it may")


@contextmanager
def _file_errors(url: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        is_missing = error.errno in {errno.ENOENT, errno.ENOTDIR}
        raise FetchError(f"{url}: {error.strerror}", is_missing=is_missing) from error
