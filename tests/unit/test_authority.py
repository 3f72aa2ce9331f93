"""Certificates, revocations and requests: what counts, and everything else that somebody might send."""

from types import MappingProxyType

import pytest
from cbor2 import dumps, loads

from bongsu import authority, limits
from bongsu.authority import (
    CORE,
    HUB,
    Certificate,
    Cut,
    Request,
    Revocation,
    link_allowed,
    link_refusal,
    permits,
    read_certificate,
    read_request,
    read_revocation,
)
from bongsu.canonical import decode_urlsafe_base64, unpadded_urlsafe_base64
from bongsu.errors import MatrixError
from bongsu.log.key import NodeKey
from bongsu.log.record import Kind, Lane, LogName
from tests.helpers.service import ROOT, certify, revoke

NODE = NodeKey.generate()
HUB_NODE = NodeKey.generate()
STRANGER = NodeKey.generate()
CUT = Cut(7, Lane.TEXT, 41, bytes(32))


def reopened(text: str, position: int, value: object) -> str:
    """The statement with one field of its payload altered, and its signature kept."""
    name, _, encoded = text.partition(":")
    payload, signature = loads(decode_urlsafe_base64(encoded))
    fields = loads(payload)
    fields[position] = value
    return f"{name}:{unpadded_urlsafe_base64(dumps([dumps(fields, canonical=True), signature]))}"


def refused(text: str) -> str:
    """The sentence by which a certificate is refused."""
    with pytest.raises(MatrixError) as caught:
        read_certificate(ROOT.public, text)
    return caught.value.error


def test_a_certificate_says_what_the_root_key_signed() -> None:
    text = certify(NODE, CORE, "south", issued_ms=5, expires_ms=9, delegates=True)
    read = read_certificate(ROOT.public, text)
    assert read == Certificate(NODE.node, CORE, "south", NODE.public, 5, 9, True, None, text)


@pytest.mark.parametrize(
    ("position", "value"),
    [(1, bytes(32)), (2, HUB), (3, "north"), (4, 6), (5, 10), (6, True), (0, 2), (0, True)],
    ids=["key", "role", "site", "issued", "expires", "delegates", "version", "no version"],
)
def test_an_altered_certificate_is_refused(position: int, value: object) -> None:
    assert refused(reopened(certify(NODE), position, value))


def test_every_truncated_certificate_is_refused() -> None:
    text = certify(NODE)
    for length in range(len(text)):
        assert refused(text[:length])


@pytest.mark.parametrize("more", ["=", " ", "\n", "A", "AAAA"])
def test_a_certificate_has_one_spelling(more: str) -> None:
    assert refused(certify(NODE) + more)


def test_garbage_is_refused_with_a_sentence() -> None:
    for raw in (
        b"",
        b"\x00",
        b"\x82\x40\x40",
        b"\xf6",
        b"\x9f" * 900,
        dumps([[], b""]),
        dumps([b"\xc1\xf9\x7e\x00", b""]),
    ):
        assert refused(f"certificate:{unpadded_urlsafe_base64(raw)}").startswith(
            "This certificate is damaged"
        )
    assert "begins with certificate:" in refused("certificate")
    assert refused("certificate:" + "A" * limits.STATEMENT_CHARACTERS_MAX)


@pytest.mark.parametrize(
    ("role", "site"),
    [("root", "south"), (CORE, ""), (CORE, "a" * 33), (CORE, "\x1b[31m"), (CORE, "남쪽"), (CORE, "a b")],
)
def test_a_certificate_for_no_site_or_role_is_refused(role: str, site: str) -> None:
    assert "damaged" in refused(certify(NODE, role, site))


def test_another_root_key_certifies_nobody() -> None:
    assert "not signed" in refused(certify(NODE, by=STRANGER))
    assert "not signed" in refused(certify(NODE, by=NODE))


def test_no_statement_passes_for_another() -> None:
    request = authority.sign_request(NODE.public, CORE, "south", ROOT.sign_bytes)
    revocation = revoke(NODE.node, 1, [CUT])
    for text in (request, revocation):
        assert refused("certificate:" + text.partition(":")[2])
    with pytest.raises(MatrixError):
        read_revocation(ROOT.public, "revocation:" + certify(NODE).partition(":")[2])


def test_a_request_is_signed_by_the_key_it_names() -> None:
    text = authority.sign_request(NODE.public, CORE, "south", NODE.sign_bytes)
    assert read_request(text) == Request(NODE.public, CORE, "south")
    assert read_request(text).node == NODE.node
    for forged in (
        authority.sign_request(NODE.public, CORE, "south", STRANGER.sign_bytes),
        reopened(text, 3, "north"),
    ):
        with pytest.raises(MatrixError):
            read_request(forged)


def test_a_delegate_signs_hubs_and_nothing_else() -> None:
    delegate = read_certificate(ROOT.public, certify(NODE, delegates=True))
    hub = read_certificate(ROOT.public, certify(HUB_NODE, HUB, "hub-1", by=NODE, issuer=delegate))
    assert (hub.node, hub.role, hub.issuer) == (HUB_NODE.node, HUB, NODE.node)
    may_not = "signed by a node that may not sign it"
    assert may_not in refused(certify(HUB_NODE, CORE, by=NODE, issuer=delegate))
    plain = read_certificate(ROOT.public, certify(NODE))
    assert may_not in refused(certify(HUB_NODE, HUB, by=NODE, issuer=plain))
    assert may_not in refused(certify(STRANGER, HUB, by=HUB_NODE, issuer=hub))
    # Signed by somebody else than the delegate it shows.
    assert "not signed" in refused(certify(HUB_NODE, HUB, by=STRANGER, issuer=delegate))


def test_a_hub_is_no_delegate() -> None:
    assert "damaged" in refused(certify(HUB_NODE, HUB, delegates=True))


def test_a_revocation_says_where_logs_end() -> None:
    text = revoke(NODE.node, 3, [CUT])
    read = read_revocation(ROOT.public, text)
    assert (read.node, read.number, read.text) == (NODE.node, 3, text)
    assert read.seq(LogName(NODE.node, 7, Lane.TEXT)) == 41
    assert read.seq(LogName(NODE.node, 7, Lane.BULK)) == 0
    assert read.cut(LogName(NODE.node, 8, Lane.TEXT)) is None


@pytest.mark.parametrize(
    "cuts",
    [
        [CUT, CUT],
        [Cut(7, Lane.TEXT, 0, bytes(32))],
        [Cut(7, Lane.TEXT, 1, bytes(31))],
        [Cut(2**64, Lane.TEXT, 1, bytes(32))],
        [Cut(7, 3, 1, bytes(32))],  # type: ignore[arg-type]
    ],
)
def test_a_revocation_that_makes_no_sense_is_refused(cuts: list[Cut]) -> None:
    with pytest.raises(MatrixError, match="damaged"):
        read_revocation(ROOT.public, revoke(NODE.node, 1, cuts))


def test_only_the_root_key_revokes() -> None:
    for text in (
        revoke(NODE.node, 1, [CUT], by=NODE),
        reopened(revoke(NODE.node, 1, [CUT]), 1, STRANGER.node),
        reopened(revoke(NODE.node, 1, [CUT]), 3, []),
    ):
        with pytest.raises(MatrixError, match="not signed"):
            read_revocation(ROOT.public, text)


def test_the_later_revocation_stands_whichever_came_first() -> None:
    first, second = (Revocation(NODE.node, number, text=f"{number}") for number in (1, 2))
    assert first.replaces(None)
    assert second.replaces(first)
    assert not first.replaces(second)
    assert not first.replaces(first)
    # One number given twice: still one answer.
    one, other = Revocation(NODE.node, 1, text="a"), Revocation(NODE.node, 1, text="b")
    assert other.replaces(one)
    assert not one.replaces(other)


def test_what_counts() -> None:
    core, hub = (Certificate(NODE.node, role, "south") for role in (CORE, HUB))
    for kind in (Kind.NODE, Kind.EPOCH, Kind.REVOCATION):
        assert permits(None, kind, resident=False, within_cut=False)
    assert permits(core, Kind.EVENT, resident=False)
    assert not permits(None, Kind.EVENT, resident=True)
    assert not permits(core, Kind.EVENT, resident=True, within_cut=False)
    assert permits(hub, Kind.REGISTER, resident=True)
    assert not permits(hub, Kind.REGISTER, resident=False)


def test_links_look_at_expiry_and_revocations() -> None:
    certificate = Certificate(NODE.node, CORE, "south", expires_ms=1000)
    none: MappingProxyType[bytes, Revocation] = MappingProxyType({})
    assert link_allowed(certificate, none, 999)
    assert not link_allowed(certificate, none, 1000)
    assert link_allowed(Certificate(NODE.node, CORE, "south"), none, 2**50)
    gone = {NODE.node: Revocation(NODE.node, 1)}
    assert "is revoked" in str(link_refusal(certificate, gone, 0))
    by_gone = Certificate(HUB_NODE.node, HUB, "hub-1", issuer=NODE.node)
    assert not link_allowed(by_gone, gone, 0)


def test_roles_only_add() -> None:
    core, hub = (Certificate(NODE.node, role, "south") for role in (CORE, HUB))
    assert authority.widest(None, hub) == HUB
    assert authority.widest(core, hub) == authority.widest(hub, core) == CORE


def test_only_the_root_key_asks_for_cuts() -> None:
    text = authority.sign_query("south", 5, ROOT.sign_bytes)
    assert authority.read_query(ROOT.public, text) == ("south", 5)
    for forged in (authority.sign_query("south", 5, NODE.sign_bytes), reopened(text, 1, "north")):
        with pytest.raises(MatrixError, match="not signed"):
            authority.read_query(ROOT.public, forged)


def test_a_public_key_has_32_bytes() -> None:
    with pytest.raises(MatrixError, match="32 bytes"):
        authority.read_key("AAAA")
