"""Nothing unpacks to more than was promised, and nothing half."""

import gzip
import lzma
from collections.abc import Callable

import pytest

from reconciler.catalog.inflate import inflate

TEXT = b"Package: app\n" * 100
PACK: dict[str, Callable[[bytes], bytes]] = {".xz": lzma.compress, ".gz": gzip.compress, "": bytes}
packed = pytest.mark.parametrize("form", [".xz", ".gz"])


@pytest.mark.parametrize("form", PACK)
def test_whole_file_is_unpacked(form):
    assert inflate(PACK[form](TEXT), form, len(TEXT)) == TEXT


@pytest.mark.parametrize("form", PACK)
def test_one_byte_more_than_promised_is_refused(form):
    with pytest.raises(ValueError, match="more than the 1299 bytes"):
        inflate(PACK[form](TEXT), form, len(TEXT) - 1)


@packed
def test_bomb_is_refused_without_being_unpacked(form):
    bomb = PACK[form](bytes(20_000_000))

    with pytest.raises(ValueError, match="more than the 1000 bytes"):
        inflate(bomb, form, 1000)


@packed
def test_file_cut_short_is_refused(form):
    with pytest.raises(ValueError, match="cut short"):
        inflate(PACK[form](TEXT)[:-5], form, len(TEXT))


@packed
def test_damaged_file_is_refused(form):
    whole = PACK[form](TEXT)

    with pytest.raises(ValueError, match="cannot be unpacked"):
        inflate(whole[:-12] + bytes(4) + whole[-8:], form, len(TEXT))


@packed
def test_streams_in_a_row_are_one_file(form):
    parts = PACK[form](TEXT) + bytes(4) + PACK[form](TEXT)

    assert inflate(parts, form, 2 * len(TEXT)) == TEXT + TEXT


@packed
def test_bomb_in_a_later_stream_is_refused(form):
    parts = PACK[form](TEXT) + PACK[form](bytes(1_000_000))

    with pytest.raises(ValueError, match="more than the 2000 bytes"):
        inflate(parts, form, 2000)
