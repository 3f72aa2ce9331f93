"""A strict reader for the few forms of CBOR that nodes send each other, all bounded. Pure."""

from typing import NoReturn

NULL = 0xF6
UINT, BYTES, ARRAY = 0, 2, 4


class Unreadable(Exception):
    """These bytes are not what a node of this version sends. The sentence says why."""


class FrameReader:
    """Reads exactly what deterministic CBOR (RFC 8949 § 4.2) writes, and nothing larger than it is told to.

    A general decoder makes what the sender's lengths say before it finds the bytes missing; this one never
    holds more than the bytes that came.
    """

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._at = 0

    def array(self, least: int, most: int) -> int:
        """The head of an array; how many items follow."""
        count = self._head(ARRAY, "an array")
        if not least <= count <= most:
            refuse(f"an array has {count} items instead of {least} to {most}")
        return count

    def uint(self, most: int, least: int = 0) -> int:
        """A number."""
        number = self._head(UINT, "a number")
        if not least <= number <= most:
            refuse(f"the number {number} is not within {least} and {most}")
        return number

    def flag(self) -> bool:
        """A number that is 0 or 1."""
        return self.uint(1) == 1

    def octets(self, most: int, least: int = 0) -> bytes:
        """A byte string."""
        count = self._head(BYTES, "a byte string")
        if not least <= count <= most:
            refuse(f"a byte string has {count} bytes instead of {least} to {most}")
        at = self._at
        self._at = at + count
        if self._at > len(self._raw):
            refuse("it ends early")
        return self._raw[at : self._at]

    def optional_bytes(self, most: int) -> bytes | None:
        """A byte string, or null."""
        if self._at < len(self._raw) and self._raw[self._at] == NULL:
            self._at += 1
            return None
        return self.octets(most)

    def end(self) -> None:
        """Nothing may follow."""
        if self._at != len(self._raw):
            refuse(f"{len(self._raw) - self._at} bytes follow the end")

    def _head(self, major: int, what: str) -> int:
        # A bundle has seven of these a record: what is common is read without another call.
        raw, at = self._raw, self._at
        if at >= len(raw):
            refuse("it ends early")
        first = raw[at]
        if first >> 5 != major:
            refuse(f"there is something else where {what} belongs")
        small = first & 31
        if small < 24:
            self._at = at + 1
            return small
        if small > 27:
            refuse("a length is of an unknown form")
        size = 1 << small - 24
        self._at = end = at + 1 + size
        if end > len(raw):
            refuse("it ends early")
        number = int.from_bytes(raw[at + 1 : end], "big")
        if number < 24 or (size > 1 and number < 1 << 4 * size):
            refuse("a number is written longer than it need be")
        return number


def refuse(why: str) -> NoReturn:
    """Refuse the whole of what came.

    Raises:
        Unreadable: always.
    """
    raise Unreadable(f"What a peer sent cannot be read: {why}.")
