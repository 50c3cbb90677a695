"""Field types of what people bring themselves: commands, files, addresses."""

from __future__ import annotations

import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, Strict

from reconciler.kinds.faults import describe_type, fault
from reconciler.kinds.fields import Text, schema_of
from reconciler.kinds.query import check_pattern
from reconciler.model.codes import Code
from reconciler.model.ids import DIGEST

_LONGEST_PATH = 1024
_RELATIVE = re.compile(r"(?!\.\.?(/|$))[^/\s\x00-\x1f]+(/(?!\.\.?(/|$))[^/\s\x00-\x1f]+)*")
_ABSOLUTE = re.compile(r"(/(?!\.\.?(/|$))[^/\x00-\x1f]+)+")
_ADDRESS = re.compile(r"[^@\s,;<>]+@[^@\s,;<>]+")
_WEB = re.compile(r"https?://[^@\s/]+(/\S*)?")


def _text(value: object, expected: str) -> str:
    if not isinstance(value, str):
        raise fault(Code.WRONG_TYPE, f"expected {expected}, found {describe_type(value)}")
    return value


def _check_digest(value: object) -> str:
    text = _text(value, "a digest")
    if DIGEST.fullmatch(text) is None:
        hint = "write what sha256sum prints: 64 of 0-9 and a-f"
        raise fault(Code.BAD_DIGEST, f"{text!r:.80} is not a SHA-256", hint)
    return text


def _check_relative(value: object) -> str:
    text = _text(value, "a path")
    if len(text) > _LONGEST_PATH or _RELATIVE.fullmatch(text) is None:
        hint = "write a path below the content's folder, without .. and spaces"
        raise fault(Code.BAD_PATH, f"{text!r:.80} is not a path within the content", hint)
    return text


def _check_absolute(value: object) -> str:
    text = _text(value, "a path")
    if len(text) > _LONGEST_PATH or _ABSOLUTE.fullmatch(text) is None:
        hint = "write a path from the root, without .."
        raise fault(Code.BAD_PATH, f"{text!r:.80} is not an absolute path of a file", hint)
    return text


def _check_address(value: object) -> str:
    text = _text(value, "an e-mail address")
    if _ADDRESS.fullmatch(text) is None:
        hint = "write one address, as owners@corp.example"
        raise fault(Code.BAD_ADDRESS, f"{text!r:.80} is not an e-mail address", hint)
    return text


def _check_web(value: object) -> str:
    text = _text(value, "a URL")
    try:
        secret = "@" in urlsplit(text).netloc
    except ValueError:
        secret = False
    if secret:
        raise fault(Code.BAD_LOCATION, "it holds credentials", "keep them out of git")
    if _WEB.fullmatch(text) is None:
        raise fault(Code.BAD_LOCATION, f"{text!r:.80} is no URL", "write an http or https URL")
    return text


def _check_expression(value: object) -> str:
    text = _text(value, "a pattern")
    if not text.strip():
        raise fault(Code.EMPTY_VALUE, "the pattern is empty")
    check_pattern(text)
    return text


Argv = Annotated[tuple[Text, ...], Strict(strict=False), Field(min_length=1)]
ExitCode = Annotated[int, Field(ge=0, le=255)]
ExitCodes = Annotated[tuple[ExitCode, ...], Strict(strict=False)]
Digest = Annotated[
    str, BeforeValidator(_check_digest), schema_of("[0-9a-f]{64}", "A SHA-256 in lower-case hex.")
]
RelativePath = Annotated[
    str, BeforeValidator(_check_relative), schema_of(_RELATIVE.pattern, "A path, without `..`.")
]
AbsolutePath = Annotated[
    str, BeforeValidator(_check_absolute), schema_of(_ABSOLUTE.pattern, "A path from the root.")
]
MailAddress = Annotated[
    str, BeforeValidator(_check_address), schema_of(_ADDRESS.pattern, "One e-mail address.")
]
WebAddress = Annotated[
    str,
    BeforeValidator(_check_web),
    schema_of(_WEB.pattern, "An http or https URL without credentials."),
]
Expression = Annotated[
    str, BeforeValidator(_check_expression), schema_of(r"[\s\S]*\S[\s\S]*", "An RE2 expression.")
]
