"""The beginning of a link: who proves what to whom, and who gets none."""

from dataclasses import replace

import pytest
from cbor2 import dumps, loads

from bongsu.bearer.frame import Unreadable
from bongsu.bearer.hello import Details, Handshake
from bongsu.log.key import NodeKey

DETAILS = Details("talk.example.kr", "a", "core", "https://a.example.kr", "1", "5e55", "")


def begun(details: Details = DETAILS, key: NodeKey | None = None) -> tuple[Handshake, Handshake]:
    """Two ends whose hellos are still on the way."""
    ours = Handshake(key or NodeKey.generate(), DETAILS, b"n" * 32)
    theirs = Handshake(key or NodeKey.generate(), replace(details, site="b"), b"m" * 32)
    return ours, theirs


def test_two_nodes_learn_who_the_other_is() -> None:
    ours, theirs = begun()
    our_proof, their_proof = ours.receive(theirs.hello), theirs.receive(ours.hello)
    assert ours.peer is None, "a hello alone proves nothing"
    assert our_proof is not None
    assert their_proof is not None
    assert ours.receive(their_proof) is None
    assert theirs.receive(our_proof) is None
    assert ours.peer is not None
    assert theirs.peer is not None
    assert (ours.peer.details.site, theirs.peer.details.site) == ("b", "a")
    assert loads(theirs.hello)[2] == ours.peer.public_key


def test_a_proof_of_another_link_proves_nothing_here() -> None:
    ours, theirs = begun()
    ours.receive(theirs.hello)
    other_proof = begun()[1].receive(begun()[0].hello)
    assert other_proof is not None
    with pytest.raises(Unreadable, match="does not hold the key"):
        ours.receive(other_proof)


@pytest.mark.parametrize("named", ["", "ab" * 32], ids=["none", "another"])
def test_a_hello_that_names_another_certificate_gets_no_proof(named: str) -> None:
    ours = Handshake(NodeKey.generate(), replace(DETAILS, channel="cd" * 32), b"n" * 32)
    theirs = Handshake(NodeKey.generate(), replace(DETAILS, channel=named), b"m" * 32)
    with pytest.raises(Unreadable, match="somebody stands between"):
        ours.receive(theirs.hello)


def test_two_ends_of_one_channel_name_the_same() -> None:
    channel = "cd" * 32
    ours = Handshake(NodeKey.generate(), replace(DETAILS, channel=channel), b"n" * 32)
    theirs = Handshake(NodeKey.generate(), replace(DETAILS, channel=channel), b"m" * 32)
    assert ours.receive(theirs.hello) is not None


def test_another_service_is_refused() -> None:
    ours, theirs = begun(replace(DETAILS, service="elsewhere.example"))
    with pytest.raises(Unreadable, match=r"belongs to the service elsewhere\.example"):
        ours.receive(theirs.hello)


def test_a_copy_of_this_node_is_refused() -> None:
    ours, theirs = begun(key=NodeKey.generate())
    with pytest.raises(Unreadable, match="copy of this node"):
        ours.receive(theirs.hello)


def test_what_a_later_release_adds_is_passed_over() -> None:
    ours, theirs = begun()
    fields = loads(theirs.hello)
    fields[4] = fields[4].replace(b"{", b'{"battery":"90",', 1)
    assert ours.receive(dumps(fields, canonical=True)) is not None


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x00",
        dumps([1, 17, bytes(64)], canonical=True),
        dumps([2, 16, bytes(32), bytes(32), b"{}"], canonical=True),
        dumps([1, 16, bytes(31), bytes(32), b"{}"], canonical=True),
        dumps([1, 16, bytes(32), bytes(32), b"[]"], canonical=True),
        dumps([1, 16, bytes(32), bytes(32), b'{"site":5}'], canonical=True),
        dumps([1, 16, bytes(32), bytes(32), b"x" * 20_000], canonical=True),
        dumps([1, 99, b""], canonical=True),
    ],
    ids=repr,
)
def test_anything_else_is_refused(raw: bytes) -> None:
    ours, _ = begun()
    with pytest.raises(Unreadable):
        ours.receive(raw)
