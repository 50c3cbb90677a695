"""Codes are stable, distinct and documented."""

import re
from pathlib import Path

import pytest

from reconciler.model.codes import CODES, NOT_YET_CODES, Code

PAGE = Path(__file__).parents[3] / "docs" / "codes.md"
ROW = re.compile(r"^\| (PW[12][0-9]{3}) \| (\w+) \| (.+) \| (.+) \| (.+) \|$", re.MULTILINE)


def documented() -> dict[str, tuple[str, ...]]:
    return {row[0]: row[1:] for row in ROW.findall(PAGE.read_text(encoding="utf-8"))}


@pytest.mark.parametrize("code", list(Code), ids=str)
def test_code_is_documented_with_what_why_and_what_to_do(code):
    name, *cells = documented()[code]

    assert name == code.short_name
    assert all(cell.strip() for cell in cells)


def test_only_codes_that_exist_are_documented():
    assert documented().keys() <= CODES.keys()


def test_codes_are_distinct_and_of_one_form():
    assert len(CODES) == len(Code)
    assert all(re.fullmatch(r"PW[12][0-9]{3}", code) for code in CODES)


def test_code_is_its_text_on_every_python():
    assert f"{Code.BAD_YAML}" == str(Code.BAD_YAML) == "PW1010"
    assert hash(Code.BAD_YAML) == hash("PW1010")


def test_codes_of_what_is_not_carried_out_are_told_apart():
    names = {CODES[code].short_name for code in NOT_YET_CODES}

    assert names == {"KindNotYet", "FieldNotYet"}
