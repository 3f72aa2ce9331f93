"""KISS: frames in the byte stream of a modem, over a serial line or TCP. Garbage is passed over. Pure."""

END, ESCAPE, ESCAPED_END, ESCAPED_ESCAPE = 0xC0, 0xDB, 0xDC, 0xDD
DATA = 0x00  # command 0 of port 0: a frame to send, or one that was heard
# A modem hands on what it heard, not more than a radio frame; longer is noise on the serial line.
FRAME_BYTES_MAX = 1_024


def encode(frame: bytes) -> bytes:
    """The bytes a modem takes to send this frame."""
    escaped = frame.replace(b"\xdb", b"\xdb\xdd").replace(b"\xc0", b"\xdb\xdc")
    return bytes((END, DATA)) + escaped + bytes((END,))


class Decoder:
    """Frames from what a modem says. Whatever comes, nothing is raised, and little is held."""

    def __init__(self) -> None:
        self._frame = bytearray()
        self._escaped = False
        # Until the first end of a frame nobody knows where one begins.
        self._spoilt = True

    def feed(self, raw: bytes) -> list[bytes]:
        """The frames that these bytes complete."""
        found: list[bytes] = []
        for byte in raw:
            if byte == END:
                if not self._spoilt and not self._escaped and len(self._frame) > 1 and self._frame[0] == DATA:
                    found.append(bytes(self._frame[1:]))
                self._frame.clear()
                self._escaped = self._spoilt = False
            elif not self._spoilt:
                self._add(byte)
        return found

    def _add(self, byte: int) -> None:
        if self._escaped:
            self._escaped = False
            if byte not in (ESCAPED_END, ESCAPED_ESCAPE):
                self._spoilt = True
                return
            byte = END if byte == ESCAPED_END else ESCAPE
        elif byte == ESCAPE:
            self._escaped = True
            return
        self._frame.append(byte)
        self._spoilt = len(self._frame) > FRAME_BYTES_MAX
