"""Which node may author what (DESIGN 5.2). Pure: certificates and kinds in, yes or no out.

Nothing is trusted because of the link it came by, and no node speaks for everybody.
"""

from dataclasses import dataclass

from bongsu.log.record import Kind

CORE = "core"
HUB = "hub"

# What a hub may write for anybody: the records that say who it is and where its logs end.
_OF_EVERY_NODE = frozenset((Kind.EPOCH, Kind.NODE))


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a node is: its role and site, as its NODE record says and its authority confirms."""

    node: bytes
    role: str
    site: str


def permits(certificate: Certificate | None, kind: int, *, resident: bool) -> bool:
    """Whether a record counts.

    Args:
        certificate: of the record's author node; None if it has none (yet): its records are stored and
            applied once it has.
        kind: the record's.
        resident: whether the user the record speaks for is a resident of the author's hub.
    """
    if kind in _OF_EVERY_NODE:
        return True
    if certificate is None:
        return False
    if certificate.role == CORE:
        return True
    return certificate.role == HUB and resident
