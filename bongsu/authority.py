"""Which node may author what (DESIGN 5.2): certificates, revocations and the rules. Pure: no clock, no files.

Nothing is trusted because of the link it came by, and no node speaks for everybody.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from cbor2 import CBORDecodeError, dumps, loads
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from bongsu import limits
from bongsu.canonical import decode_base64, decode_urlsafe_base64, unpadded_urlsafe_base64
from bongsu.errors import MatrixError, invalid_param
from bongsu.log.record import HASH_BYTES, NODE_BYTES, Kind, Lane, LogName, node_id

CORE = "core"
HUB = "hub"
ROLES = (CORE, HUB)
KEY_BYTES = 32
VERSION = 1

# Each kind of statement is signed behind words of its own, so that none can pass for another, nor for a
# signature over header hashes.
REQUEST = "request"
CERTIFICATE = "certificate"
REVOCATION = "revocation"
QUERY = "query"
_DOMAIN = {
    REQUEST: b"bongsu node request 1\n",
    CERTIFICATE: b"bongsu node certificate 1\n",
    REVOCATION: b"bongsu node revocation 1\n",
    QUERY: b"bongsu cuts query 1\n",
}

# What anybody may write: it says where a log ends, or carries a signature that speaks for itself.
_OF_EVERY_NODE = frozenset(
    (
        Kind.EPOCH,
        Kind.NODE,
        Kind.REVOCATION,
        Kind.DEFERRED_SEND,
        Kind.TOWER_KEY,
        Kind.TOWER_KEY_END,
        Kind.ALERT,
        Kind.ALERT_BRIEF,
        Kind.SAFETY_CALL,
        Kind.INCIDENT_ACT,
    )
)

Sign = Callable[[bytes], bytes]


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a node is. Without `text` nobody signed it: a service without a root key believes its own node."""

    node: bytes
    role: str
    site: str
    public_key: bytes = b""
    issued_ms: int = 0
    expires_ms: int | None = None
    delegates: bool = False  # this core node may sign certificates of hubs
    issuer: bytes | None = None  # the core node that signed it; None: the root key
    text: str = ""


@dataclass(frozen=True, slots=True)
class Request:
    """A node asks to be let in. Signed by its own key, so that nobody is let in under another's."""

    public_key: bytes
    role: str
    site: str

    @property
    def node(self) -> bytes:
        """The node that asks."""
        return node_id(self.public_key)


@dataclass(frozen=True, slots=True)
class Cut:
    """The last record of a log that counts."""

    epoch: int
    lane: Lane
    seq: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class Revocation:
    """The end of a node. What its logs hold up to the cuts counts, everything else of it does not."""

    node: bytes
    number: int
    cuts: Mapping[tuple[int, Lane], Cut] = field(default_factory=lambda: MappingProxyType({}))
    text: str = ""

    def cut(self, log: LogName) -> Cut | None:
        """Where this log of the node is cut; None: before its first record."""
        return self.cuts.get((log.epoch, log.lane))

    def seq(self, log: LogName) -> int:
        """The last seq of this log of the node that counts; 0: none."""
        cut = self.cut(log)
        return 0 if cut is None else cut.seq

    def replaces(self, other: "Revocation | None") -> bool:
        """Whether this one is the later of the two: the same answer whichever arrived first."""
        return other is None or (self.number, self.text) > (other.number, other.text)


def permits(certificate: Certificate | None, kind: int, *, resident: bool, within_cut: bool = True) -> bool:
    """Whether a record counts.

    Args:
        certificate: of the record's author node; None if it has none (yet): its records are stored and
            applied once it has.
        kind: the record's.
        resident: whether the user the record speaks for is a resident of the author's hub.
        within_cut: whether the author is not revoked, or the record lies before the cut.
    """
    if kind in _OF_EVERY_NODE:
        return True
    if certificate is None or not within_cut:
        return False
    if certificate.role == CORE:
        return True
    return certificate.role == HUB and resident


def link_refusal(
    certificate: Certificate, revocations: Mapping[bytes, Revocation], now_ms: int
) -> str | None:
    """Why a node that shows this certificate is not talked to, as a sentence; None: it is.

    Only here does a clock count: what a node wrote before is judged by cuts alone
    (docs/decisions/authority.md).
    """
    for node in (certificate.node, certificate.issuer):
        if node is not None and node in revocations:
            return f"Node {node.hex()} is revoked. Enrol a new node with a new key in its place."
    if certificate.expires_ms is not None and certificate.expires_ms <= now_ms:
        return (
            f"The certificate of node {certificate.node.hex()} (site {certificate.site}) has expired. "
            "Sign a new one: bongsu site add."
        )
    return None


def link_allowed(certificate: Certificate, revocations: Mapping[bytes, Revocation], now_ms: int) -> bool:
    """Whether to talk to a node that shows this certificate. `revocations`: in force, by node."""
    return link_refusal(certificate, revocations, now_ms) is None


def widest(one: Certificate | None, other: Certificate) -> str:
    """The role that two certificates of one node give it together.

    A certificate only ever adds: were the newer one to take a role away, records that counted would stop
    to, depending on what arrived first. What takes away is a cut.
    """
    return CORE if CORE in (other.role, None if one is None else one.role) else other.role


# Statements: made


def sign_request(public_key: bytes, role: str, site: str, sign: Sign) -> str:
    """A node's request, as one line of text."""
    return _statement(REQUEST, [VERSION, public_key, role, site], sign)


def sign_certificate(
    request: Request,
    sign: Sign,
    *,
    issued_ms: int,
    expires_ms: int | None,
    delegates: bool = False,
    issuer: Certificate | None = None,
) -> str:
    """A certificate, as one line of text; `issuer` None: signed by the root key."""
    fields = [
        VERSION,
        request.public_key,
        request.role,
        request.site,
        issued_ms,
        expires_ms or 0,
        delegates,
        "" if issuer is None else issuer.text,
    ]
    return _statement(CERTIFICATE, fields, sign)


def sign_revocation(node: bytes, number: int, cuts: Iterable[Cut], sign: Sign) -> str:
    """A revocation, as one line of text. `number`: higher than that of any earlier one of this node."""
    listed = sorted([cut.epoch, int(cut.lane), cut.seq, cut.hash] for cut in cuts)
    return _statement(REVOCATION, [VERSION, node, number, listed], sign)


def sign_query(name: str, stamp_max: int, sign: Sign) -> str:
    """The question where the logs of a node (its id or site) end; `stamp_max` 0: at all that is held."""
    return _statement(QUERY, [VERSION, name, stamp_max], sign)


def _statement(name: str, fields: list[Any], sign: Sign) -> str:
    payload = dumps(fields, canonical=True)
    raw = dumps([payload, sign(_DOMAIN[name] + payload)], canonical=True)
    return f"{name}:{unpadded_urlsafe_base64(raw)}"


# Statements: read. Whatever is wrong raises MatrixError with a sentence.


def read_request(text: str) -> Request:
    """A node's request.

    Raises:
        MatrixError: it is damaged, or not signed by the key it names.
    """
    payload, signature, fields = _open(REQUEST, text, 4)
    _, public_key, role, site = fields
    _check_subject(REQUEST, public_key, role, site)
    _check_signature(REQUEST, public_key, payload, signature)
    return Request(public_key, role, site)


def read_certificate(root_key: bytes, text: str, *, delegated: bool = True) -> Certificate:
    """A certificate that counts in the service of this root key. Expiry is not looked at.

    Args:
        delegated: whether it may be signed by a core node to which the root key delegated that.
    Raises:
        MatrixError: it is damaged, or nobody signed it who may.
    """
    payload, signature, fields = _open(CERTIFICATE, text, 8)
    _, public_key, role, site, issued_ms, expires_ms, delegates, by = fields
    _check_subject(CERTIFICATE, public_key, role, site)
    numbers = all(type(each) is int and 0 <= each <= limits.SEQ_MAX for each in (issued_ms, expires_ms))
    if not numbers or type(delegates) is not bool or not isinstance(by, str) or (delegates and role != CORE):
        raise _unreadable(CERTIFICATE)
    issuer = None
    key = root_key
    if by:
        # One step, no further: only the root key makes delegates.
        issuer = read_certificate(root_key, by, delegated=False) if delegated else None
        if issuer is None or not issuer.delegates or role != HUB:
            raise invalid_param("This certificate is signed by a node that may not sign it.")
        key = issuer.public_key
    _check_signature(CERTIFICATE, key, payload, signature)
    return Certificate(
        node_id(public_key),
        role,
        site,
        public_key,
        issued_ms,
        expires_ms or None,
        delegates,
        None if issuer is None else issuer.node,
        text,
    )


def read_revocation(root_key: bytes, text: str) -> Revocation:
    """A revocation that counts in the service of this root key.

    Raises:
        MatrixError: it is damaged, or the root key did not sign it.
    """
    payload, signature, fields = _open(REVOCATION, text, 4)
    _, node, number, listed = fields
    _check_signature(REVOCATION, root_key, payload, signature)
    if not isinstance(node, bytes) or len(node) != NODE_BYTES or not _number(number, limits.SEQ_MAX):
        raise _unreadable(REVOCATION)
    if not isinstance(listed, list) or len(listed) > limits.CUTS_MAX:
        raise _unreadable(REVOCATION)
    cuts = [_cut(each) for each in listed]
    by_log = {(cut.epoch, cut.lane): cut for cut in cuts}
    if len(by_log) != len(cuts):
        raise _unreadable(REVOCATION)
    return Revocation(node, number, MappingProxyType(by_log), text)


def read_query(root_key: bytes, text: str) -> tuple[str, int]:
    """(node or site, highest stamp) of a question by the holder of the root key.

    Raises:
        MatrixError: it is damaged, or the root key did not sign it.
    """
    payload, signature, fields = _open(QUERY, text, 3)
    _, name, stamp_max = fields
    _check_signature(QUERY, root_key, payload, signature)
    if not isinstance(name, str) or not _number(stamp_max, limits.SEQ_MAX, 0):
        raise _unreadable(QUERY)
    return name, stamp_max


def read_key(text: str) -> bytes:
    """A public key in unpadded base64.

    Raises:
        MatrixError: it is none.
    """
    key = decode_base64(text)
    if len(key) != KEY_BYTES:
        raise invalid_param("A public key has 32 bytes: 43 characters of base64.")
    return key


def _cut(fields: Any) -> Cut:
    if not isinstance(fields, list) or len(fields) != 4:
        raise _unreadable(REVOCATION)
    epoch, lane, seq, digest = fields
    good = _number(epoch, 2**64 - 1, 0) and _number(lane, max(Lane), 0) and _number(seq, limits.SEQ_MAX)
    if not good or not isinstance(digest, bytes) or len(digest) != HASH_BYTES:
        raise _unreadable(REVOCATION)
    return Cut(epoch, Lane(lane), seq, digest)


def _number(value: Any, most: int, least: int = 1) -> bool:
    return type(value) is int and least <= value <= most


def _open(name: str, text: str, length: int) -> tuple[bytes, bytes, list[Any]]:
    """Payload, signature and fields. Only the bytes that signing makes are read: one text, one meaning."""
    if not text.startswith(f"{name}:") or len(text) > limits.STATEMENT_CHARACTERS_MAX:
        raise invalid_param(f"This is not a {name}: one begins with {name}: and is one line of text.")
    try:
        raw = decode_urlsafe_base64(text.removeprefix(f"{name}:"))
        payload, signature = loads(raw)
        fields = loads(payload)
        exact = dumps([payload, signature], canonical=True) == raw
        exact = (
            exact
            and dumps(fields, canonical=True) == payload
            and text == f"{name}:{unpadded_urlsafe_base64(raw)}"
        )
    except (CBORDecodeError, ValueError, TypeError, ArithmeticError, MatrixError, RecursionError) as error:
        raise _unreadable(name) from error
    if not exact or not isinstance(signature, bytes) or not isinstance(fields, list):
        raise _unreadable(name)
    if len(fields) != length or type(fields[0]) is not int or fields[0] != VERSION:
        raise _unreadable(name)
    return payload, signature, fields


def _check_subject(name: str, public_key: Any, role: Any, site: Any) -> None:
    good = isinstance(public_key, bytes) and len(public_key) == KEY_BYTES and role in ROLES
    if not good or not isinstance(site, str) or not 0 < len(site) <= limits.SITE_CHARACTERS_MAX:
        raise _unreadable(name)
    # It is shown to operators, in terminals too.
    if not site.isascii() or not site.replace("-", "").isalnum():
        raise _unreadable(name)


def _check_signature(name: str, public_key: bytes, payload: bytes, signature: bytes) -> None:
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, _DOMAIN[name] + payload)
    except (InvalidSignature, ValueError) as error:
        raise invalid_param(f"This {name} is not signed by the key that should have signed it.") from error


def _unreadable(name: str) -> MatrixError:
    return invalid_param(f"This {name} is damaged or of a later version. Copy it again, whole.")
