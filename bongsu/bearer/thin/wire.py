"""Numbers, bytes and texts in few bytes, and a reader that what comes off the air cannot hurt. Pure."""

import zlib

from bongsu.bearer.frame import refuse

UTF8, CP949 = 0, 1
# Korean takes two bytes a syllable in CP949, three in UTF-8.
CODECS = {UTF8: "utf-8", CP949: "cp949"}
NUMBER_BYTES_MAX = 10


class Writer:
    """Puts values one behind the other."""

    def __init__(self) -> None:
        self._out = bytearray()

    def uint(self, number: int) -> None:
        """A number: seven bits a byte, the lowest first."""
        assert number >= 0, "signed numbers are another form"
        while number > 127:
            self._out.append(number & 127 | 128)
            number >>= 7
        self._out.append(number)

    def signed(self, number: int) -> None:
        """A number that may be negative."""
        self.uint(2 * number if number >= 0 else -2 * number - 1)

    def raw(self, octets: bytes) -> None:
        """Bytes whose count the reader knows."""
        self._out += octets

    def octets(self, octets: bytes) -> None:
        """Bytes, and how many."""
        self.uint(len(octets))
        self._out += octets

    def text(self, text: str) -> None:
        """A text, by the shorter of the codecs that bring it back; its length in bytes, and which."""
        codec, chosen = UTF8, text.encode()
        try:
            korean = text.encode(CODECS[CP949])
            if len(korean) < len(chosen) and korean.decode(CODECS[CP949]) == text:
                codec, chosen = CP949, korean
        except UnicodeError:
            pass
        self.uint(2 * len(chosen) + codec)
        self._out += chosen

    @property
    def bytes(self) -> bytes:
        """All of it."""
        return bytes(self._out)


class Reader:
    """Reads what a `Writer` wrote; `Unreadable` for everything else."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._at = 0

    def uint(self, most: int = 2**64 - 1) -> int:
        """A number."""
        number = 0
        for shift in range(NUMBER_BYTES_MAX):
            byte = self.raw(1)[0]
            number |= (byte & 127) << 7 * shift
            if byte < 128:
                if number > most:
                    refuse(f"the number {number} is more than {most}")
                return number
        refuse("a number does not end")

    def signed(self) -> int:
        """A number that may be negative."""
        number = self.uint()
        return -(number + 1 >> 1) if number & 1 else number >> 1

    def raw(self, count: int) -> bytes:
        """So many bytes."""
        at = self._at
        self._at = at + count
        if self._at > len(self._raw):
            refuse("it ends early")
        return self._raw[at : self._at]

    def octets(self, most: int) -> bytes:
        """Bytes, at most so many."""
        return self.raw(self.uint(most))

    def text(self, bytes_max: int) -> str:
        """A text."""
        size = self.uint(2 * bytes_max + 1)
        try:
            return self.raw(size >> 1).decode(CODECS[size & 1])
        except UnicodeError:
            refuse("a text is not of its codec")

    @property
    def at_end(self) -> bool:
        """Whether nothing follows."""
        return self._at == len(self._raw)

    def end(self) -> None:
        """Nothing may follow."""
        if self._at != len(self._raw):
            refuse(f"{len(self._raw) - self._at} bytes follow the end")


def deflated(raw: bytes, before: bytes) -> bytes:
    """The bytes in fewer, where they are like what came before."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15, 9, zlib.Z_DEFAULT_STRATEGY, before)
    return packer.compress(raw) + packer.flush()


def inflated(packed: bytes, before: bytes, bytes_max: int) -> bytes:
    """Undo `deflated`.

    Raises:
        Unreadable: it was not made by that, or is longer than so many bytes.
    """
    unpacker = zlib.decompressobj(-15, zdict=before)
    try:
        raw = unpacker.decompress(packed, bytes_max)
    except zlib.error as error:
        refuse(f"what is packed cannot be unpacked ({error})")
    if not unpacker.eof or unpacker.unused_data:
        refuse("what is packed ends early, late or not at all")
    return raw
