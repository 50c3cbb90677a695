"""How a plain scalar reads: by the YAML 1.2 core schema, and whether 1.1 reads it otherwise."""

from __future__ import annotations

import re
from enum import StrEnum
from functools import lru_cache

import yaml

Scalar = str | int | float | bool | None
_LONGEST_NUMBER = 64
_PREFIX = "tag:yaml.org,2002:"


class Tag(StrEnum):
    """What a scalar is; the last two are texts that YAML 1.1 reads as something else."""

    TEXT = f"{_PREFIX}str"
    NULL = f"{_PREFIX}null"
    BOOLEAN = f"{_PREFIX}bool"
    INTEGER = f"{_PREFIX}int"
    NUMBER = f"{_PREFIX}float"
    MAPPING = f"{_PREFIX}map"
    SEQUENCE = f"{_PREFIX}seq"
    AMBIGUOUS = "ambiguous"
    AMBIGUOUS_TIME = "ambiguous-time"


_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLEAN = {
    "true": True,
    "True": True,
    "TRUE": True,
    "false": False,
    "False": False,
    "FALSE": False,
}
_INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", re.ASCII)
_NUMBER = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", re.ASCII)
_SPECIAL = {
    f"{sign}.{word}": float(f"{sign}{word}")
    for word in ("inf", "Inf", "INF")
    for sign in ("", "+", "-")
} | {f".{word}": float("nan") for word in ("nan", "NaN", "NAN")}
_BOOLEAN_LETTERS = frozenset("yYnN")
# What begins otherwise is text in both versions, and so is a word longer than `false`.
_WORD_LETTERS = frozenset("yYnNtTfFoO")
_TELLING = frozenset("-+.0123456789~<=!&*") | _WORD_LETTERS
_LONGEST_WORD = 5
_TEXT = Tag.TEXT.value
_OLD_RULES = yaml.SafeLoader.yaml_implicit_resolvers


def parse_scalar(tag: str, text: str) -> Scalar:
    """Read a scalar of a core tag; raises ValueError where the text does not fit the tag."""
    match tag:
        case Tag.NULL if text in _NULL:
            return None
        case Tag.BOOLEAN if text in _BOOLEAN:
            return _BOOLEAN[text]
        case Tag.INTEGER if len(text) <= _LONGEST_NUMBER and _INTEGER.fullmatch(text):
            return int(text, 0) if text[:2] in {"0o", "0x"} else int(text)
        case Tag.NUMBER if text in _SPECIAL:
            return _SPECIAL[text]
        case Tag.NUMBER if len(text) <= _LONGEST_NUMBER and _NUMBER.fullmatch(text):
            return float(text)
        case Tag.TEXT | Tag.AMBIGUOUS | Tag.AMBIGUOUS_TIME:
            return text
        case _:
            message = f"{text!r:.80} does not fit its tag"
            raise ValueError(message)


def tag_of(text: str) -> str:
    """Give the tag of a plain scalar; one that YAML 1.1 reads otherwise stays a text."""
    first = text[:1]
    if first and (first not in _TELLING or (first in _WORD_LETTERS and len(text) > _LONGEST_WORD)):
        return _TEXT
    return _tag_by_rules(text)


@lru_cache(maxsize=8192)
def _tag_by_rules(text: str) -> str:
    if len(text) > _LONGEST_NUMBER:
        return Tag.TEXT.value
    new, old = _core_tag(text), _old_tag(text)
    if old.endswith(":timestamp"):
        return Tag.AMBIGUOUS_TIME.value
    same = new == old and (new != Tag.INTEGER or _is_same_integer(text))
    return new if same else Tag.AMBIGUOUS.value


def _is_same_integer(text: str) -> bool:
    """Tell whether both versions give one number: a leading zero means octal in YAML 1.1."""
    old = yaml.SafeLoader("").construct_yaml_int(yaml.ScalarNode(Tag.INTEGER.value, text))
    return bool(old == parse_scalar(Tag.INTEGER, text))


def _core_tag(text: str) -> str:
    if text in _NULL:
        return Tag.NULL.value
    if text in _BOOLEAN:
        return Tag.BOOLEAN.value
    if _INTEGER.fullmatch(text):
        return Tag.INTEGER.value
    if text in _SPECIAL or _NUMBER.fullmatch(text):
        return Tag.NUMBER.value
    return Tag.TEXT.value


def _old_tag(text: str) -> str:
    """Give the tag by YAML 1.1, whose specification also reads `y` and `n` as booleans."""
    if text in _BOOLEAN_LETTERS:
        return Tag.BOOLEAN.value
    for tag, pattern in _OLD_RULES.get(text[:1], ()):
        if pattern.match(text):
            return str(tag)
    return Tag.TEXT.value
