"""The setting thin_links: what is wrong in it is a sentence."""

from pathlib import Path

import pytest

from bongsu.thin_setting import parse_thin_links


def test_modems_are_read() -> None:
    tcp, serial = parse_thin_links(
        "kiss+tcp://10.0.0.7:8001?bits_per_second=5469&bytes_per_minute=4000, kiss+serial:///dev/ttyUSB0?baud=57600"
    )
    assert (tcp.host, tcp.port, tcp.device) == ("10.0.0.7", 8001, None)
    assert (tcp.bits_per_second, tcp.bytes_per_minute, tcp.frame_bytes) == (5_469, 4_000, 255)
    assert (serial.device, serial.baud, serial.bits_per_second) == (Path("/dev/ttyUSB0"), 57_600, 1_200)
    assert serial.bytes_per_minute == 4_500, "half of what the channel carries"
    assert parse_thin_links([]) == ()
    assert parse_thin_links(["kiss+tcp://[::1]:8001"])[0].host == "::1"


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (7, "a list of at most 8"),
        (["kiss+tcp://h:1"] * 9, "a list of at most 8"),
        ("tcp://h:1", "kiss[+]tcp://HOST:PORT"),
        ("kiss+tcp://h", "kiss[+]tcp://HOST:PORT"),
        ("kiss+tcp://h:99999", "kiss[+]tcp://HOST:PORT"),
        ("kiss+serial://dev/ttyUSB0", "kiss[+]tcp://HOST:PORT"),
        ("kiss+tcp://h:1?bits", "kiss[+]tcp://HOST:PORT"),
        ("kiss+tcp://h:1?speed=9", "there is no speed"),
        ("kiss+tcp://h:1?bits_per_second=9", "from 100 to"),
        ("kiss+tcp://h:1?frame_bytes=-5", "from 80 to"),
    ],
)
def test_what_is_no_modem_is_refused(wrong: object, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        parse_thin_links(wrong)
