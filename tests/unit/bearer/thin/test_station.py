"""Two stations over simulated air: what is sent arrives once and whole, whatever the channel does."""

import random
import statistics

import pytest

from bongsu import limits
from bongsu.bearer.thin.air import Air
from tests.helpers.thin_air import ThinAir

SF7 = Air(bits_per_second=5_469, bytes_per_minute=41_000, lead_ms=20)
SLOW = Air(bits_per_second=1_200, bytes_per_minute=9_000)


def random_bytes(size: int, seed: int = 7) -> bytes:
    return random.Random(seed).randbytes(size)


def test_two_stations_meet_in_a_few_small_frames() -> None:
    sizes = []
    for seed in range(15):
        channel = ThinAir(SLOW, seed=seed)
        channel.meet()
        sizes.append(channel.bytes)
        known = [station.session.greeting.node for station in channel.stations if station.session]
        assert known == [channel.keys[1].node, channel.keys[0].node]
    # Both begin in the same moment here, and do not hear each other at first.
    assert statistics.median(sizes) <= 330
    assert max(sizes) <= 650


@pytest.mark.parametrize("size", [0, 1, 246, 247, 5_000, 60_000])
def test_a_message_arrives_whole(size: int) -> None:
    channel = ThinAir(SF7)
    channel.meet()
    message = random_bytes(size)
    channel.send(0, message)
    assert channel.got == [[], [message]]


@pytest.mark.parametrize("loss", [0.05, 0.2, 0.4])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_loss_costs_time_and_nothing_else(loss: float, seed: int) -> None:
    channel = ThinAir(SF7, loss=loss, seed=seed)
    channel.meet()
    there = [random_bytes(1 + 997 * number, number) for number in range(6)]
    back = [random_bytes(10 + 50 * number, 100 + number) for number in range(10)]
    left = [list(there), list(back)]

    def both_arrived() -> bool:
        for end, station in enumerate(channel.stations):
            if left[end] and station.has_room:
                station.send(left[end].pop(0))
        return len(channel.got[1]) == len(there) and len(channel.got[0]) == len(back)

    channel.run(both_arrived)
    assert channel.got == [back, there], "each once, in order"


def test_ten_kilobytes_take_about_what_the_air_takes() -> None:
    message = random_bytes(10_000)
    quick = ThinAir(SF7)
    quick.meet()
    assert quick.send(0, message) <= 19_000
    times = []
    for seed in (1, 2, 3):
        lossy = ThinAir(SF7, loss=0.2, seed=seed)
        lossy.meet()
        times.append(lossy.send(0, message))
    assert sum(times) / len(times) <= 26_000


def test_a_cut_is_gone_on_from() -> None:
    channel = ThinAir(SF7)
    channel.meet()
    message = random_bytes(20_000)
    channel.stations[0].send(message)
    begun = channel.now_ms
    channel.run(lambda: channel.now_ms > begun + 12_000)
    channel.cut = True
    channel.run(lambda: channel.now_ms > begun + 192_000)
    sent = channel.stations[0].sent_bytes
    channel.cut = False
    channel.run(lambda: channel.got[1] == [message])
    assert channel.began == [1, 1], "nobody had to meet again"
    assert channel.stations[0].sent_bytes - sent <= 13_500, "what had arrived is not sent again"


@pytest.mark.parametrize("end", [0, 1])
def test_a_restart_begins_a_session_anew(end: int) -> None:
    channel = ThinAir(SF7, loss=0.1)
    channel.meet()
    channel.send(0, b"before")
    channel.restart(end)
    channel.meet()
    channel.run(lambda: channel.began[1 - end] >= 2)
    channel.send(0, b"after")
    channel.send(1, b"and back")
    assert (channel.got[0][-1], channel.got[1][-1]) == (b"and back", b"after")


@pytest.mark.parametrize("seed", range(4))
def test_two_that_speak_at_once_repeat_little(seed: int) -> None:
    channel = ThinAir(SLOW, seed=seed)
    channel.meet()
    before = channel.bytes
    left = [
        [random_bytes(20 + 90 * (number % 4), 10 * end + number) for number in range(25)] for end in (0, 1)
    ]
    said = [list(each) for each in left]

    def all_arrived() -> bool:
        for end, station in enumerate(channel.stations):
            if left[end] and station.has_room:
                station.send(left[end].pop(0))
        return len(channel.got[0]) == len(channel.got[1]) == 25

    channel.run(all_arrived)
    assert channel.got == [said[1], said[0]]
    payload = sum(len(message) + 16 + 8 for each in said for message in each)
    assert channel.bytes - before <= 1.25 * payload


@pytest.mark.parametrize("seed", range(25))
def test_whatever_happened_messages_come_through_afterwards(seed: int) -> None:
    chance = random.Random(seed)
    channel = ThinAir(SF7 if seed % 2 else SLOW, loss=chance.choice([0, 0.1, 0.4]), seed=seed)
    for number in range(12):
        end = chance.randrange(2)
        act = chance.choice(["send", "send", "cut", "heal", "restart", "wait"])
        if act == "send" and channel.stations[end].has_room:
            channel.stations[end].send(random_bytes(chance.randrange(3_000), number))
        elif act in ("cut", "heal"):
            channel.cut = act == "cut"
        elif act == "restart":
            channel.restart(end)
        until_ms = channel.now_ms + chance.randrange(20_000)
        channel.pass_time(until_ms)
    channel.cut, channel.loss = False, 0.1
    for end in (0, 1):
        message = random_bytes(500, 1_000 + end)
        channel.run(
            lambda: channel.stations[0].session is not None and channel.stations[1].session is not None
        )
        while message not in channel.got[1 - end]:
            # What was sent into a session that the other end has lost is lost with it.
            if channel.stations[end].has_room:
                channel.stations[end].send(message)
            channel.pass_time(channel.now_ms + 60_000)
            assert channel.now_ms < 3_600_000


def test_the_budget_is_kept() -> None:
    channel = ThinAir(Air(bits_per_second=5_469, bytes_per_minute=1_500))
    channel.meet()
    begun, sent = channel.now_ms, channel.stations[0].sent_bytes
    took_ms = channel.send(0, random_bytes(9_000))
    spent = channel.stations[0].sent_bytes - sent
    minutes = (channel.now_ms - begun) / 60_000
    assert spent <= 1_500 * (minutes + 1)
    assert took_ms <= 8 * 60_000


def test_no_frame_is_longer_than_the_law_allows() -> None:
    air = Air(bits_per_second=300, bytes_per_minute=2_000)
    assert air.frame_ms(air.frame_bytes_max) <= limits.THIN_FRAME_MS_MAX
    channel = ThinAir(air)
    channel.meet()
    longest = 0
    spoil = channel.spoil

    def measure(frame: bytes) -> bytes:
        nonlocal longest
        longest = max(longest, len(frame))
        return spoil(frame)

    channel.spoil = measure
    channel.send(0, random_bytes(2_000))
    assert 0 < longest <= air.frame_bytes_max


def test_spoilt_frames_are_as_good_as_lost() -> None:
    channel = ThinAir(SF7)
    channel.meet()

    def spoil(frame: bytes) -> bytes:
        if channel.chance.random() < 0.2:
            at = channel.chance.randrange(len(frame))
            return frame[:at] + bytes((frame[at] ^ 1 << channel.chance.randrange(8),)) + frame[at + 1 :]
        return frame

    channel.spoil = spoil
    messages = [random_bytes(700, number) for number in range(20)]
    for message in messages:
        channel.send(0, message)
    assert channel.got[1] == messages


def test_noise_and_repeated_frames_change_nothing() -> None:
    channel = ThinAir(SF7)
    heard: list[bytes] = []

    def listen(frame: bytes) -> bytes:
        heard.append(frame)
        return frame

    channel.spoil = listen
    channel.meet()
    for number in range(5):
        channel.send(number % 2, random_bytes(600, number))
    noise = [channel.chance.randbytes(channel.chance.randrange(300)) for _ in range(2_000)]
    before = [list(each) for each in channel.got]
    for frame in (*heard, *noise, b"", *(bytes((kind,)) * 64 for kind in range(256))):
        for station in channel.stations:
            assert station.heard(frame, channel.now_ms) == []
    channel.run(lambda: True)
    assert channel.got == before
    channel.send(0, b"still there")
    assert channel.began == [1, 1]


def test_a_stranger_is_nobody() -> None:
    channel = ThinAir(SF7)
    other = ThinAir(SF7, seed=9)
    for _ in range(20):
        for frame in other.stations[0].due(other.now_ms):
            assert channel.stations[0].heard(frame, channel.now_ms) == []
        other.now_ms += 10_000
    assert channel.stations[0].session is None
