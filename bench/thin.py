"""What a thin link carries: bytes of a text, and how long ten kilobytes take. `python -m bench.thin`.

The channel is simulated, so that the figures are of the protocol; `--real` adds the driver, in real time.
"""

import argparse
import asyncio
import json
import random
import statistics
import sys
from typing import Any

from bongsu.bearer.bundle import SIGNATURE_BYTES, Bundle
from bongsu.bearer.message import Give, encode
from bongsu.bearer.thin.air import Air
from bongsu.bearer.thin.keys import SEAL_BYTES
from bongsu.bearer.thin.line import Line
from bongsu.bearer.thin.packet import DATA_OVERHEAD_BYTES
from bongsu.bearer.thin.talk import Talk
from bongsu.lab.air import LabAir
from bongsu.log.key import NodeKey
from bongsu.log.vector import Vector
from bongsu.thin_setting import parse_thin_links
from tests.helpers.thin_air import SERVICE, ThinAir
from tests.helpers.thin_chat import KOREAN, Chat

AIRS = {
    "SF7 (5469 bit/s)": Air(bits_per_second=5_469, bytes_per_minute=41_000, lead_ms=20),
    "1200 bit/s": Air(bits_per_second=1_200, bytes_per_minute=9_000, lead_ms=20),
}
SIZE = 10_000
SEEDS = (1, 2, 3)
CUT_MS = 180_000


def sizes() -> dict[str, int]:
    """Bytes of a record in a running session, without and with what it needs to go alone."""
    chat, talk = Chat(), Talk(Vector.empty)

    def cost(bundle: Bundle) -> int:
        return len(talk.encode(Give(1, bundle))) - SIGNATURE_BYTES

    first = cost(chat.bundle([chat.text()]))
    text = cost(chat.bundle([chat.text()]))
    cost(chat.bundle([chat.megolm(270)]))
    return {
        "canonical JSON of the text": len(chat.text().body or b""),
        f"Korean text of {len(KOREAN)} characters, the first of its room and sender": first,
        f"Korean text of {len(KOREAN)} characters": text,
        "the same alone on the air (signature, seal, frame)": text
        + SIGNATURE_BYTES
        + SEAL_BYTES
        + DATA_OVERHEAD_BYTES,
        "Korean text of 100 characters": cost(chat.bundle([chat.text("가" * 100)])),
        "the same encrypted, of 20 characters (ciphertext 270)": cost(chat.bundle([chat.megolm(270)])),
        "twenty texts with their one signature, each": (
            cost(chat.bundle([chat.text() for _ in range(20)])) + SIGNATURE_BYTES
        )
        // 20,
    }


def times() -> list[dict[str, Any]]:
    """How long ten kilobytes take on each channel, in seconds, as the median of the seeds."""
    found = []
    message = random.Random(7).randbytes(SIZE)
    for name, air in AIRS.items():
        for loss in (0.0, 0.05, 0.2):
            took, bytes_sent = [], []
            for seed in SEEDS:
                channel = ThinAir(air, loss=loss, seed=seed)
                channel.meet()
                before = channel.bytes
                took.append(channel.send(0, message) / 1_000)
                bytes_sent.append(channel.bytes - before)
            found.append(
                {
                    "channel": name,
                    "loss": loss,
                    "seconds": round(statistics.median(took), 1),
                    "bytes": round(statistics.median(bytes_sent)),
                }
            )
        found.append({"channel": name, "cut_s": CUT_MS // 1_000, **_cut(air, message)})
    return found


def _cut(air: Air, message: bytes) -> dict[str, Any]:
    """A cut in the middle: it goes on where it stopped."""
    channel = ThinAir(air)
    channel.meet()
    begun, before = channel.now_ms, channel.bytes
    channel.stations[0].send(message)
    half_ms = SIZE * 4_000 // air.bits_per_second
    channel.run(lambda: channel.now_ms > begun + half_ms)
    channel.cut = True
    channel.run(lambda: channel.now_ms > begun + half_ms + CUT_MS)
    channel.cut = False
    channel.run(lambda: message in channel.got[1])
    seconds = (channel.now_ms - begun - CUT_MS) / 1_000
    return {"seconds_besides": round(seconds, 1), "bytes": channel.bytes - before}


async def real(loss: float) -> float:
    """Seconds that a bundle of about ten kilobytes takes at SF7, with the driver and in real time."""
    server = await asyncio.start_server(LabAir(5_469, loss).station, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    (setting,) = parse_thin_links(f"kiss+tcp://127.0.0.1:{port}?bits_per_second=5469&bytes_per_minute=41000")
    keys = [NodeKey.generate(), NodeKey.generate()]
    known = {key.node: key.public for key in keys}
    lines = [Line(setting, key, SERVICE, known.get, Vector.empty) for key in keys]
    running = [asyncio.ensure_future(line.run()) for line in lines]
    for line in lines:
        await line.told.wait()
    chat = Chat()
    raw = encode(Give(1, chat.bundle([chat.megolm(270) for _ in range(33)])))
    here, there = lines[0].open(), lines[1].open()
    loop = asyncio.get_running_loop()
    begun = loop.time()
    await here.send(raw)
    assert await there.receive() == raw
    took = loop.time() - begun
    for each in running:
        each.cancel()
    await asyncio.gather(*running, return_exceptions=True)
    server.close()
    return round(took, 1)


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--real", action="store_true", help="also in real time, with the driver")
    figures: dict[str, Any] = {"bytes": sizes(), "ten_kilobytes": times()}
    if parser.parse_args().real:
        figures["real_seconds"] = {str(loss): asyncio.run(real(loss)) for loss in (0.0, 0.2)}
    print(json.dumps(figures, ensure_ascii=False, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
