"""Unpack what archives pack, never into more than was promised."""

from __future__ import annotations

import bz2
import lzma
import zlib

FORMS = (".gz", ".xz", ".bz2")
"""How files may be packed, by the ends of their names."""
_XZ_MEMORY = 512 * 1024 * 1024
_GZIP = 16 + zlib.MAX_WBITS


def inflate(content: bytes, form: str, limit: int) -> bytes:
    """Give the plain bytes of the form `.xz`, `.gz`, `.bz2` or none.

    Raises ValueError for what is damaged, cut short, or larger than `limit` bytes.
    """
    try:
        if form == ".xz":
            return _inflate_xz(content, limit)
        if form == ".gz":
            return _inflate_gzip(content, limit)
        if form == ".bz2":
            return _inflate_bzip(content, limit)
    except (lzma.LZMAError, zlib.error, OSError) as error:
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


def _check(size: int, limit: int) -> None:
    if size > limit:
        message = f"it unpacks to more than the {limit} bytes that were promised"
        raise ValueError(message)
