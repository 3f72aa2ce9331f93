"""The setting thin_links: where a modem is, and what its channel allows. docs/protocol/thin.md."""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

THIN_LINKS_MAX = 8
SCHEMES = ("kiss+tcp", "kiss+serial")
# Of the numbers behind the question mark: the least, the most, and what counts where none is given.
NUMBERS = {
    "bits_per_second": (100, 1_000_000, 1_200),
    "bytes_per_minute": (400, 6_000_000, 0),
    "frame_bytes": (80, 1_000, 255),
    "lead_ms": (0, 2_000, 20),
    "pause_ms": (0, 10_000, 50),
    "baud": (1_200, 921_600, 9_600),
}
FORM = (
    "it must be kiss+tcp://HOST:PORT or kiss+serial:///dev/DEVICE, with numbers behind a question mark, like "
    "?bits_per_second=1200&bytes_per_minute=4000"
)


@dataclass(frozen=True, slots=True)
class ThinLink:
    """One modem. `device`: of a serial line, or None; `host` and `port` of TCP."""

    text: str
    host: str
    port: int
    device: Path | None
    bits_per_second: int
    bytes_per_minute: int
    frame_bytes: int
    lead_ms: int
    pause_ms: int
    baud: int


def parse_thin_links(raw: object) -> tuple[ThinLink, ...]:
    """Modems, as a list or separated by commas."""
    listed = raw.split(",") if isinstance(raw, str) else raw
    if not isinstance(listed, list | tuple) or len(listed) > THIN_LINKS_MAX:
        raise ValueError(f"it must be a list of at most {THIN_LINKS_MAX}")
    return tuple(_thin_link(each.strip()) for each in map(str, listed) if each.strip())


def _thin_link(text: str) -> ThinLink:
    try:
        address = urlsplit(text)
        host, port = address.hostname or "", address.port or 0
        given = parse_qsl(address.query, keep_blank_values=True, strict_parsing=bool(address.query))
    except ValueError:
        raise ValueError(FORM) from None
    numbers = {name: default for name, (_, _, default) in NUMBERS.items()}
    for name, value in given:
        if name not in NUMBERS:
            raise ValueError(f"there is no {name}; there are {', '.join(NUMBERS)}")
        low, high, _ = NUMBERS[name]
        if not value.isdecimal() or not low <= int(value) <= high:
            raise ValueError(f"{name} must be a whole number from {low} to {high}")
        numbers[name] = int(value)
    # Half of what the channel carries: the other end speaks on it too.
    numbers["bytes_per_minute"] = numbers["bytes_per_minute"] or max(
        400, numbers["bits_per_second"] * 60 // 16
    )
    serial = address.scheme == "kiss+serial" and address.path.startswith("/") and not address.netloc
    if not serial and not (address.scheme == "kiss+tcp" and host and port and not address.path):
        raise ValueError(FORM)
    return ThinLink(text, host, port, Path(address.path) if serial else None, **numbers)
