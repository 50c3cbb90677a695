"""Unpack what archives pack, never into more than was promised."""

from __future__ import annotations

import bz2
import lzma
import zlib

import zstandard

FORMS = (".gz", ".xz", ".bz2", ".zst")
"""How files may be packed, by the ends of their names."""
_XZ_MEMORY = 512 * 1024 * 1024
# What a decoder has to offer at the most, by the format's own advice; more is refused.
_ZSTD_WINDOW = 128 * 1024 * 1024
# Four bytes unpack to 128 KiB at the most, so these to 32 MiB.
_ZSTD_STEP = 1024
_GZIP = 16 + zlib.MAX_WBITS


def inflate(content: bytes, form: str, limit: int) -> bytes:
    """Give the plain bytes of the form `.xz`, `.gz`, `.bz2`, `.zst` or none.

    Raises ValueError for what is damaged, cut short, or larger than `limit` bytes.
    """
    try:
        if form == ".xz":
            return _inflate_xz(content, limit)
        if form == ".gz":
            return _inflate_gzip(content, limit)
        if form == ".bz2":
            return _inflate_bzip(content, limit)
        if form == ".zst":
            return _inflate_zstd(content, limit)
    except (lzma.LZMAError, zlib.error, zstandard.ZstdError, OSError) as error:
        message = f"it cannot be unpacked: {error}"
        raise ValueError(message) from error
    _check(len(content), limit)
    return content


def _inflate_xz(content: bytes, limit: int) -> bytes:
    plain = b""
    while content:
        stream = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY)
        plain += stream.decompress(content, limit - len(plain) + 1)
        _check(len(plain), limit)
        if not stream.eof:
            raise lzma.LZMAError("it is cut short")
        # Streams may follow each other, with zeros between them.
        content = stream.unused_data.lstrip(b"\0")
    return plain


def _inflate_gzip(content: bytes, limit: int) -> bytes:
    plain = b""
    while content:
        stream = zlib.decompressobj(_GZIP)
        plain += stream.decompress(content, limit - len(plain) + 1)
        _check(len(plain), limit)
        if not stream.eof:
            raise zlib.error("it is cut short")
        content = stream.unused_data.lstrip(b"\0")
    return plain


def _inflate_bzip(content: bytes, limit: int) -> bytes:
    plain = b""
    while content:
        stream = bz2.BZ2Decompressor()
        plain += stream.decompress(content, limit - len(plain) + 1)
        _check(len(plain), limit)
        if not stream.eof:
            raise OSError("it is cut short")
        content = stream.unused_data
    return plain


def _inflate_zstd(content: bytes, limit: int) -> bytes:
    """Unpack frame after frame; a step is so small that its output cannot fill the memory."""
    plain = bytearray()
    unpacker = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW)
    stream = unpacker.decompressobj()
    for begin in range(0, len(content), _ZSTD_STEP):
        piece = content[begin : begin + _ZSTD_STEP]
        while piece:
            if stream.eof:
                stream = unpacker.decompressobj()
            plain += stream.decompress(piece)
            _check(len(plain), limit)
            piece = stream.unused_data if stream.eof else b""
    if not stream.eof:
        raise zstandard.ZstdError("it is cut short")
    return bytes(plain)


def _check(size: int, limit: int) -> None:
    if size > limit:
        message = f"it unpacks to more than the {limit} bytes that were promised"
        raise ValueError(message)
