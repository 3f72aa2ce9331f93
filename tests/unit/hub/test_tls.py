"""A hub's request and what may answer it; whatever else comes is refused by a sentence."""

from pathlib import Path

import pytest

from bongsu.hub import tls
from bongsu.hub.tls import Chain, Unusable

HOST = "r17.talk.example.kr"
DAY_MS = 24 * 3_600_000


def made(folder: Path, host: str = HOST) -> tuple[tls.Request, str]:
    """The request of a new key, and the certificate that it signed itself."""
    tls.prepare(folder, host)
    return tls.read_request(tls.make_request(folder, host)), (folder / "certificate.pem").read_text()


def test_a_key_is_made_once_and_nobody_else_reads_it(tmp_path: Path) -> None:
    request, _ = made(tmp_path)
    assert request.names == (HOST,)
    assert (tmp_path / "key.pem").stat().st_mode & 0o077 == 0
    again, _ = made(tmp_path)
    assert again == request


def test_a_certificate_for_the_key_and_name_answers(tmp_path: Path) -> None:
    request, text = made(tmp_path)
    chain = tls.read_chain(text)
    tls.check_chain(chain, request, chain.begins_ms)
    assert (chain.ends_ms - chain.begins_ms) // DAY_MS == tls.OWN_DAYS + 1
    with pytest.raises(Unusable, match="ended already"):
        tls.check_chain(chain, request, chain.ends_ms)


def test_one_for_another_key_or_name_does_not(tmp_path: Path) -> None:
    request, _ = made(tmp_path / "one")
    _, text = made(tmp_path / "two")
    chain = tls.read_chain(text)
    with pytest.raises(Unusable, match="another key"):
        tls.check_chain(chain, request, chain.begins_ms)
    other, text = made(tmp_path / "three", "elsewhere.example")
    chain = tls.read_chain(text)
    with pytest.raises(Unusable, match=f"not for {HOST}"):
        tls.check_chain(chain, tls.Request(other.public, (HOST,)), chain.begins_ms)


def test_a_third_of_its_life_is_when_another_is_due() -> None:
    chain = Chain(b"", (), 0, 90 * DAY_MS)
    assert not chain.is_due(30 * DAY_MS - 1)
    assert chain.is_due(30 * DAY_MS)


@pytest.mark.parametrize(
    "wrong",
    [None, 7, "", "no PEM", "x" * 100_000, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"],
)
def test_what_is_none_is_refused(wrong: object) -> None:
    for read in (tls.read_chain, tls.read_request):
        with pytest.raises(Unusable):
            read(wrong)


def test_a_request_that_another_key_signed_is_refused(tmp_path: Path) -> None:
    tls.prepare(tmp_path, HOST)
    lines = tls.make_request(tmp_path, HOST).splitlines()
    middle = len(lines) // 2
    turned = lines[middle][:-1] + ("A" if lines[middle][-1] != "A" else "B")
    with pytest.raises(Unusable):
        tls.read_request("\n".join([*lines[:middle], turned, *lines[middle + 1 :], ""]))
