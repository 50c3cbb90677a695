"""Nothing unpacks to more than was promised, and nothing half."""

import bz2
import gzip
import lzma
import tracemalloc
from collections.abc import Callable

import pytest
import zstandard

from reconciler.catalog.inflate import inflate

TEXT = b"Package: app\n" * 100
PACK: dict[str, Callable[[bytes], bytes]] = {
    ".xz": lzma.compress,
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".zst": zstandard.ZstdCompressor(write_checksum=True).compress,
    "": bytes,
}
PADDED = frozenset({".xz", ".gz"})
packed = pytest.mark.parametrize("form", [form for form in PACK if form])


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
    padding = bytes(4) if form in PADDED else b""
    parts = PACK[form](TEXT) + padding + PACK[form](TEXT)

    assert inflate(parts, form, 2 * len(TEXT)) == TEXT + TEXT


@packed
def test_bomb_in_a_later_stream_is_refused(form):
    parts = PACK[form](TEXT) + PACK[form](bytes(1_000_000))

    with pytest.raises(ValueError, match="more than the 2000 bytes"):
        inflate(parts, form, 2000)


def test_bomb_of_zstd_takes_little_memory():
    """A quarter of a gigabyte of zeros is 8 KiB: it is refused after one step."""
    bomb = PACK[".zst"](bytes(1 << 28))
    tracemalloc.start()
    with pytest.raises(ValueError, match="more than the 1000 bytes"):
        inflate(bomb, ".zst", 1000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 100 << 20


def test_window_that_no_reader_has_to_offer_is_refused():
    parameters = zstandard.ZstdCompressionParameters(window_log=28, enable_ldm=True)
    packer = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    content = packer.compress(TEXT) + packer.flush()

    with pytest.raises(ValueError, match="cannot be unpacked"):
        inflate(content, ".zst", 1 << 20)
