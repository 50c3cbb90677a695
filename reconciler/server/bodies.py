"""Bodies of requests: read within bounds, decoded strictly, refused with a clear 4xx."""

from __future__ import annotations

import asyncio
import json
import math
import zlib
from dataclasses import dataclass
from typing import Any, Generic, NoReturn, TypeVar

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from reconciler.model.codec import decode
from reconciler.model.errors import ProtocolError

T = TypeVar("T")
_READ_WITHIN_SECONDS = 60
_GZIP = 16 + zlib.MAX_WBITS
_LARGEST_NUMBER = 2**63 - 1
_LONGEST_NUMBER = 20


@dataclass(frozen=True, slots=True)
class Decoded(Generic[T]):
    """A message, and the JSON text that it was made of."""

    message: T
    text: bytes


async def read_message(request: Request, kind: type[T], limit: int) -> Decoded[T]:
    """Read a JSON message of at most `limit` bytes, before and after inflating.

    Raises ProtocolError with the status that says what is wrong with it.
    """
    is_packed = _check_headers(request)
    body = await _read_body(request, limit)
    return await run_in_threadpool(_decode, body, kind, limit, is_packed=is_packed)


def _check_headers(request: Request) -> bool:
    """Refuse what is not JSON; tell whether it is compressed."""
    media_type, _, parameters = request.headers.get("content-type", "").partition(";")
    is_utf8 = parameters.strip().lower() in {"", "charset=utf-8", 'charset="utf-8"'}
    if media_type.strip().lower() != "application/json" or not is_utf8:
        raise ProtocolError(
            "the body is not application/json in UTF-8", status=415, hint="set Content-Type"
        )
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in {"identity", "gzip"}:
        raise ProtocolError(
            "the body's Content-Encoding is not understood", status=415, hint="send gzip or none"
        )
    return encoding == "gzip"


async def _read_body(request: Request, limit: int) -> bytes:
    chunks, size = [], 0
    declared = request.headers.get("content-length", "0")
    if declared.isdigit() and len(declared) <= _LONGEST_NUMBER and int(declared) > limit:
        raise _too_large(limit)
    try:
        async with asyncio.timeout(_READ_WITHIN_SECONDS):
            async for chunk in request.stream():
                size += len(chunk)
                if size > limit:
                    raise _too_large(limit)
                chunks.append(chunk)
    except TimeoutError as error:
        raise ProtocolError("the body did not arrive in time", status=408) from error
    return b"".join(chunks)


def _decode(body: bytes, kind: type[T], limit: int, *, is_packed: bool) -> Decoded[T]:
    text = _inflate(body, limit) if is_packed else body
    value = parse_json(text)
    try:
        return Decoded(decode(kind, value), text)
    except (ValueError, OverflowError) as error:
        raise ProtocolError(f"the message is malformed: {error}") from error


def _inflate(body: bytes, limit: int) -> bytes:
    inflater = zlib.decompressobj(_GZIP)
    try:
        text = inflater.decompress(body, limit + 1)
    except zlib.error as error:
        raise ProtocolError("the body is not gzip, as its Content-Encoding says") from error
    if len(text) > limit:
        raise _too_large(limit)
    if not inflater.eof or inflater.unused_data:
        raise ProtocolError("the body is cut short or has more than one gzip member")
    return text


def parse_json(text: bytes) -> Any:  # noqa: ANN401 - JSON may be anything
    """Read JSON that can be stored and written again; ProtocolError for all else."""
    try:
        value = json.loads(
            text.decode(),
            parse_int=_parse_integer,
            parse_float=_parse_fraction,
            parse_constant=_refuse_constant,
        )
        if b"\\u" in text:
            # An escape may name half a character, which no encoder takes.
            json.dumps(value, ensure_ascii=False).encode()
    except UnicodeDecodeError as error:
        raise ProtocolError("the body is not UTF-8") from error
    except UnicodeEncodeError as error:
        raise ProtocolError("the body has text with half a character") from error
    except RecursionError as error:
        raise ProtocolError("the body is nested too deep") from error
    except ValueError as error:
        raise ProtocolError(f"the body is not JSON: {error}") from error
    return value


def _parse_integer(text: str) -> int:
    if len(text) > _LONGEST_NUMBER or abs(int(text)) > _LARGEST_NUMBER:
        raise ValueError("a number does not fit in 64 bits")
    return int(text)


def _parse_fraction(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("a number is too large")
    return number


def _refuse_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number")


def _too_large(limit: int) -> ProtocolError:
    return ProtocolError(
        f"the body is larger than {limit} bytes", status=413, hint="send fewer messages at once"
    )
