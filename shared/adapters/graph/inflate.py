"""Opens gzip bodies: by libdeflate, which takes half the time of zlib, and by zlib where that cannot be."""

from __future__ import annotations

import zlib
from typing import cast

# Graph's largest pages are a few megabytes. A torn body names its size by chance.
_LARGEST = 256 * 1024 * 1024


class BrokenBody(ValueError):
    """The body is not what its headers say."""


def inflate(body: bytes, encoding: str) -> bytes:
    """`encoding`: of the Content-Encoding header, empty or `identity` for none. Raises `BrokenBody`."""
    if encoding in ("", "identity"):
        return body
    if encoding != "gzip":
        raise BrokenBody(f"A body came in an encoding that was not asked for ({encoding[:20]}).")
    try:
        import deflate
    except ImportError:
        return _by_zlib(body)
    # The last four bytes say how long the content is; deflate's ratio ends at 1032.
    if int.from_bytes(body[-4:], "little") > min(1032 * len(body), _LARGEST):
        return _by_zlib(body)
    try:
        # A bytearray, which decoders take as well; a copy would cost a twentieth of all.
        return cast(bytes, deflate.gzip_decompress(body))
    except (ValueError, deflate.DeflateError):
        # Several members in one body, say: zlib takes them one by one, and tells what is really broken.
        return _by_zlib(body)


def _by_zlib(body: bytes) -> bytes:
    content, rest = b"", body
    while rest:
        member = zlib.decompressobj(wbits=31)
        try:
            content += member.decompress(rest, _LARGEST)
        except zlib.error:
            raise BrokenBody("A gzip body is damaged.") from None
        if not member.eof:
            raise BrokenBody("A gzip body ends too early.")
        rest = member.unused_data
    return content
