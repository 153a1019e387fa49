"""Text that people edit, as their programs save it: with a byte-order mark (Excel, Notepad), or in another encoding than UTF-8."""

import codecs

_LOOKED_AT = 64
"""Bytes of a beginning that tell UTF-16 without a mark: every second one is zero where letters are Latin."""


class NotUtf8Error(ValueError):
    """A file is no UTF-8. The message names it, the line where that can be told, and what to do."""


def without_mark(content: bytes) -> bytes:
    """The same without the byte-order mark of UTF-8, which says nothing."""
    return content.removeprefix(codecs.BOM_UTF8)


def require_no_utf16(content: bytes, name: str) -> None:
    """Refuse a file of which no line can be read, before each of its lines is refused by itself.

    Raises:
        NotUtf8Error: it is UTF-16.
    """
    start = content[:_LOOKED_AT]
    zeros_first, zeros_second = (len(half) > 1 and not any(half) for half in (start[::2], start[1::2]))
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or zeros_first != zeros_second:
        raise NotUtf8Error(f"{name}: is UTF-16, not UTF-8; {advice('UTF-16')}")


def utf8_of(content: bytes, name: str) -> bytes:
    """The same without its byte-order mark, after a look that all of it is UTF-8.

    Raises:
        NotUtf8Error: it is not.
    """
    require_no_utf16(content, name)
    try:
        content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise NotUtf8Error(f"{name}: line {line}: is not UTF-8 (Latin-1 or Windows-1252?); {advice('WINDOWS-1252')}") from None
    return without_mark(content)


def advice(encoding: str) -> str:
    """What to do with a file in this encoding."""
    return f"save it as UTF-8, such as with `iconv -f {encoding} -t UTF-8`"
