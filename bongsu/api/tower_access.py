"""Who may look at the tower, and who hands in what tower keys have signed (docs/protocol/tower.md)."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from bongsu import limits, tower_drafts
from bongsu.api.http import Request
from bongsu.api.second_factor import check_second_factor
from bongsu.clock import next_stamp
from bongsu.errors import forbidden, invalid_param
from bongsu.log.record import Draft
from bongsu.node import Node
from bongsu.service import Service
from bongsu.tower import signed
from bongsu.tower.keys import TowerKey
from bongsu.view.tower import signatures_of

_SENTENCE_NO_ROLE = (
    "This is for people of the control tower. Ask who holds the root key for a tower key that names you."
)
_SENTENCE_UNKNOWN = (
    "No tower key of this service signed this, or its key was ended, has expired, or does not cover "
    "these areas."
)


def officer(service: Service, request: Request) -> list[TowerKey]:
    """The tower keys that name the requester.

    Raises:
        MatrixError: 403 M_FORBIDDEN, there are none; 403 KR_BONGSU_SECOND_FACTOR, the session gave no code.
    """
    node = service.node
    found = node.context.tower.keyring().roles(request.who.user_id, node.now_ms())
    if not found:
        raise forbidden(_SENTENCE_NO_ROLE)
    check_second_factor(service, request)
    return found


def check_time(node: Node, content: dict[str, Any]) -> None:
    """Refuse what is signed for another time. Only here, where it is handed in, does a clock count.

    Raises:
        MatrixError: 400 M_INVALID_PARAM.
    """
    now_ms = node.now_ms()
    if content["sent"] > now_ms + limits.ALERT_CLOCK_MS:
        here = datetime.fromtimestamp(now_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M")
        raise invalid_param(
            f"`sent` lies in the future: the clock of this node says {here} UTC. Set the one that is wrong, "
            "the node's or that of the device that signs."
        )
    if content.get("expires", now_ms + 1) <= now_ms:
        raise invalid_param("This has expired already. Sign it anew with a later `expires`.")


def right_signatures(node: Node, kind: str, content: dict[str, Any], given: dict[str, str]) -> dict[str, str]:
    """The signatures given and those known that are right.

    Raises:
        MatrixError: 403 M_FORBIDDEN, one of those given is not.
    """
    keyring = node.context.tower.keyring()
    for key, text in given.items():
        public = keyring.public_key(key)
        if public is None or not signed.is_statement_signed(kind, content, public, text):
            raise forbidden(_SENTENCE_UNKNOWN)
    return {**signatures_of(node.context.db, signed.statement_id(kind, content)), **given}


def refuse_unknown() -> None:
    """Say that nobody signed it who may.

    Raises:
        MatrixError: 403 M_FORBIDDEN.
    """
    raise forbidden(_SENTENCE_UNKNOWN)


async def hand_in(
    node: Node,
    kind: str,
    content: dict[str, Any],
    signatures: dict[str, str],
    before: Sequence[Draft] = (),
) -> None:
    """Write a signed statement, and what comes before it, unless all of its signatures are known."""
    known = signatures_of(node.context.db, signed.statement_id(kind, content))
    if not signatures.items() <= known.items():
        stamp = next_stamp(node.now_ms())
        await node.write(*before, tower_drafts.statement(kind, content, signatures, stamp))
