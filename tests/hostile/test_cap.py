"""CAP documents that attack: a sentence, and nothing of them believed."""

from pathlib import Path

import pytest
from lxml import etree

from bongsu import limits
from bongsu.cap.read import documents, read_alert
from bongsu.cap.signing import CapKey
from bongsu.cap.write import cap_alert, cap_time
from bongsu.errors import MatrixError
from bongsu.gateway.fetch import Fetcher, FetchError
from bongsu.tower.alert import State
from bongsu.view.tower import Shown
from tests.helpers.tower import alert_content, now_ms

CAP = 'xmlns="urn:oasis:names:tc:emergency:cap:1.2"'
BOMB = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12))
NOW = now_ms()


def plain(**changed: object) -> bytes:
    content = alert_content("0" * 32, **{"sent": NOW, "expires": NOW + 3_600_000, **changed})
    shown = Shown("a" * 32, content, State.STANDING, (), 1)
    raw: bytes = etree.tostring(cap_alert(shown, ["기상청"], "kma.example.kr", {}))
    return raw


def changed(old: str, new: str) -> bytes:
    raw = etree.tostring(etree.fromstring(plain()), encoding="unicode")
    assert old in raw
    return raw.replace(old, new).encode()


SENT = cap_time(NOW)
NO_TEXT = (
    f"<alert {CAP}><identifier>a</identifier><sender>b</sender><sent>{SENT}</sent><status>Actual</status>"
    "<msgType>Alert</msgType><scope>Public</scope></alert>"
)
ATTACKS = {
    "billion laughs": f'<!DOCTYPE alert [<!ENTITY a0 "ha">{BOMB}]><alert {CAP}>&a11;</alert>'.encode(),
    "external entity": b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
    "external dtd": f'<!DOCTYPE alert SYSTEM "http://127.0.0.1:1/x.dtd"><alert {CAP}/>'.encode(),
    "parameter entity": b'<!DoCtYpE a [<!ENTITY % p SYSTEM "file:///etc/passwd"> %p;]><a/>',
    "utf-16 to hide it": '<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>'.encode("utf-16"),
    "unknown entity": f"<alert {CAP}>&secret;</alert>".encode(),
    "oversized": b"<a>" + b"x" * limits.CAP_BYTES_MAX + b"</a>",
    "deep": b"<a>" * 50_000 + b"</a>" * 50_000,
    "nothing": b"",
    "not xml": b"hello",
    "half": plain()[:-20],
    "html": b"<html><body>404</body></html>",
    "another version": plain().replace(b"cap:1.2", b"cap:1.1"),
    "no identifier": f"<alert {CAP}><sender>x</sender></alert>".encode(),
    "wrong word": changed("Exercise", "Joke"),
    "draft": changed("Exercise", "Draft"),
    "private": changed("<scope>Public", "<scope>Private"),
    "expired": plain(sent=NOW - 7_200_000, expires=NOW - 3_600_000),
    "old": plain(sent=NOW - 30 * 86_400_000, expires=NOW + 3_600_000),
    "from the future": plain(sent=NOW + 86_400_000, expires=NOW + 90_000_000),
    "no such time": changed(SENT, "2026-02-31T00:00:00+09:00"),
    "no text": NO_TEXT.encode(),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_is_refused_with_a_sentence(name: str) -> None:
    with pytest.raises(MatrixError) as refused:
        read_alert(ATTACKS[name], None, NOW)
    assert refused.value.error.endswith((".", ")")) or "line" in refused.value.error
    assert "root:" not in refused.value.error


@pytest.mark.parametrize(
    "name", ["billion laughs", "external entity", "utf-16 to hide it", "deep", "oversized"]
)
def test_a_feed_that_attacks_is_refused(name: str) -> None:
    with pytest.raises(MatrixError):
        documents(ATTACKS[name], "https://feed.example/")


def test_only_what_the_pinned_certificate_signed_is_read(tmp_path: Path) -> None:
    (tmp_path / "thief").mkdir()
    key, thief = CapKey.open(tmp_path, "kma"), CapKey.open(tmp_path / "thief", "kma")
    pinned = key.certificate.decode()
    honest = key.sign(etree.fromstring(plain()))
    assert read_alert(honest, pinned, NOW)[1]
    # The same document with other words; a signature of somebody else; none; one around another alert.
    wrapped = etree.fromstring(plain(event="지진"))
    wrapped.append(etree.fromstring(honest).find("{http://www.w3.org/2000/09/xmldsig#}Signature"))
    for raw in (
        honest.replace("산불".encode(), "지진".encode()),
        thief.sign(etree.fromstring(plain())),
        plain(),
        etree.tostring(wrapped),
    ):
        with pytest.raises(MatrixError, match="believed"):
            read_alert(raw, pinned, NOW)
    # Without a pinned certificate it is shown, as not proved.
    assert not read_alert(plain(), None, NOW)[1]


def test_replays_have_one_id() -> None:
    assert read_alert(plain(), None, NOW)[0]["id"] == read_alert(plain() + b"\n", None, NOW)[0]["id"]


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:1/",
        "https://127.0.0.1:1/",
        "https://[::1]/",
        "https://10.0.0.1/",
        "file:///etc/passwd",
    ],
)
async def test_feeds_lead_to_public_addresses_alone(url: str) -> None:
    fetcher = Fetcher(allow_private=False)
    with pytest.raises(FetchError):
        await fetcher.get(url, 1_000)
    await fetcher.close()
