"""An alert goes past the texts that wait: two hubs, nothing between them but radio at 1,200 bit/s.

The nodes, their thin links and the channel are the real ones; their time is simulated."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from bongsu import limits, tower_drafts
from bongsu.bearer.thin import line
from bongsu.bearer.thin.modem import Modem
from bongsu.lab.air import LabAir
from bongsu.sim.region import Region, shows
from bongsu.sim.site import Site
from bongsu.thin_setting import parse_thin_links
from bongsu.tower import keys, signed
from tests.helpers.thin_chat import KOREAN
from tests.helpers.tower import Officer

SETTING = "kiss+tcp://127.0.0.1:1?bits_per_second=1200"
TEXTS = 50


class Plug:
    """What is written at one end is read at the other, as over TCP."""

    def __init__(self) -> None:
        self.reader = asyncio.StreamReader()

    def write(self, raw: bytes) -> None:
        self.reader.feed_data(raw)

    def close(self) -> None:
        self.reader.feed_eof()


@pytest.fixture
def stations(monkeypatch: pytest.MonkeyPatch) -> list[asyncio.Task[Any]]:
    """Modems of one channel, in memory: there are no sockets in simulated time."""
    air, running = LabAir(1_200, 0.0), list[asyncio.Task[Any]]()

    async def dial(host: str, port: int) -> Modem:
        heard, said = Plug(), Plug()
        running.append(asyncio.ensure_future(air.station(said.reader, heard)))  # type: ignore[arg-type]
        return Modem(heard.reader, said)  # type: ignore[arg-type]

    monkeypatch.setattr(line, "dial", dial)
    return running


@pytest.mark.usefixtures("stations")
def test_an_alert_goes_past_the_texts_that_wait() -> None:
    region = Region(5, 2)
    for hub in region.hubs:
        hub._config = replace(hub._config, thin_links=parse_thin_links(SETTING))
    region.run(_talk(region), 1e5)
    assert region.journal.failures == []


async def _talk(region: Region) -> None:
    here, there = region.hubs
    await region.begin()
    await region.settle(2)
    room_id = await region.room([region.people[here][0], region.people[there][0]])
    officer = Officer()
    key = keys.TowerKey(
        officer.key.public, officer.name, keys.COMMANDER, (), False, (), 1_000, 1_990_000_000_000
    )
    await region.write(region.core, tower_drafts.tower_key(keys.certify(key, region.root.sign), 1))
    await region.level()
    region.cut()
    await asyncio.sleep(60)
    for hub in region.hubs:
        assert hub.process is not None
        await hub.process.run(_tune_in(hub))
    first = await region.say(here, room_id, region.people[here][0], "first")
    await region.until(lambda: shows(there, first), "the first text at the other hub")
    texts = [await region.say(here, room_id, region.people[here][0], KOREAN) for _ in range(TEXTS)]
    # Some are on the air.
    await region.until(lambda: shows(there, texts[0]), "the first of the texts that wait")
    before = _shown(there, texts)
    content = officer.alert(sent=here.node.now_ms() // 1_000 * 1_000)["content"]
    signatures = {officer.id: officer.sign(signed.ALERT, content)}
    await region.write(here, tower_drafts.statement(signed.ALERT, content, signatures, here.node.now_ms()))
    await region.until(lambda: there.node.context.tower.alerts(), "the alert at the other hub")
    passed = _shown(there, texts) - before
    # What was on the air when the alert came (some seconds' worth, and the bundle that reaches beyond them),
    # and one bundle that was packed already.
    record_bytes = 850
    assert passed <= 3 * (limits.THIN_BUNDLE_BYTES // record_bytes), f"{passed} texts came before it"
    assert before + passed < TEXTS - 10, "most of the texts wait still"
    await region.until(lambda: _shown(there, texts) == TEXTS, "the texts, behind it")


async def _tune_in(hub: Site) -> None:
    assert hub.service.radio is not None
    hub.service.radio.start()


def _shown(site: Site, texts: list[str]) -> int:
    return sum(shows(site, each) for each in texts)
