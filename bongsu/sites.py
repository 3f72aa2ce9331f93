"""What the commands `bongsu site …` do: nodes let in and shut out, with the root key in hand."""

import asyncio
import re
import time
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from bongsu import authority, drafts
from bongsu.authority import CORE, HUB, Certificate, Cut, Request
from bongsu.clock import SystemClock, next_stamp
from bongsu.config import Config
from bongsu.enrolment import with_root_key
from bongsu.errors import FatalError, MatrixError
from bongsu.log.record import NODE_BYTES, Lane, LogName
from bongsu.log.store import LogStore
from bongsu.node import Node
from bongsu.rootkey import RootKey

T = TypeVar("T")
_DAY_MS = 86_400_000
_CUT = re.compile(r"([0-9a-f]{16})/(urgent|text|bulk)/([0-9]{1,15})/([0-9a-f]{64})")
RECORDS_AT_ONCE = 500


def add(
    root: RootKey,
    request: str,
    *,
    role: str | None,
    site: str | None,
    days: int | None,
    delegates: bool,
) -> str:
    """A certificate for a node that asked; what is None stays as it was asked for.

    Raises:
        FatalError: the request is damaged, or asks for what cannot be.
    """
    return authority.sign_certificate(
        _renamed(_asked(root, request.strip()), role, site, delegates),
        root.sign,
        issued_ms=SystemClock().now_ms(),
        expires_ms=_expires(days),
        delegates=delegates,
    )


def _asked(root: RootKey, text: str) -> Request:
    """A request, or a certificate that is to be signed anew: of a hub whose delegate is revoked, say."""
    try:
        if text.startswith(f"{authority.CERTIFICATE}:"):
            old = authority.read_certificate(root.public, text)
            return Request(old.public_key, old.role, old.site)
        return authority.read_request(text)
    except MatrixError as error:
        raise FatalError(error.error) from error


def _renamed(request: Request, role: str | None, site: str | None, delegates: bool) -> Request:
    wanted = Request(request.public_key, role or request.role, site or request.site)
    if delegates and wanted.role != CORE:
        raise FatalError("Only a core node can sign for hubs. Leave out --delegate.")
    return wanted


def _expires(days: int | None) -> int | None:
    return None if days is None else SystemClock().now_ms() + days * _DAY_MS


def add_hub(config: Config, request: str, *, site: str | None, days: int | None) -> str:
    """A hub's certificate, signed by this core node, to which the root key delegated that.

    Raises:
        FatalError: this node may not.
    """

    def work(node: Node) -> str:
        mine = node.certificate_of(node.log.key.node)
        if mine is None or not mine.delegates or node.revoked:
            raise FatalError("This node may not sign for hubs: its certificate says nothing of that.")
        try:
            asked = authority.read_request(request.strip())
        except MatrixError as error:
            raise FatalError(error.error) from error
        wanted = Request(asked.public_key, HUB, site or asked.site)
        key = node.log.key
        return authority.sign_certificate(
            wanted, key.sign_bytes, issued_ms=SystemClock().now_ms(), expires_ms=_expires(days), issuer=mine
        )

    return _opened(config, work)


def listed(config: Config) -> list[tuple[str, str, str, str]]:
    """(node, site, role, state) of every node this one knows by certificate or revocation."""

    def work(node: Node) -> list[tuple[str, str, str, str]]:
        authorities = node.context.authorities
        gone = authorities.revocations()
        rows = [
            (each.node.hex(), each.site, each.role, _state(each, each.node in gone))
            for each in authorities.certificates()
        ]
        known = {each.node for each in authorities.certificates()}
        return rows + [(each.hex(), "?", "?", "revoked") for each in sorted(gone) if each not in known]

    return _opened(config, work)


def _state(certificate: Certificate, revoked: bool) -> str:
    if revoked:
        return "revoked"
    if certificate.expires_ms is None:
        return "in force"
    day = time.strftime("%Y-%m-%d", time.gmtime(certificate.expires_ms / 1000))
    return f"{'expired' if certificate.expires_ms <= SystemClock().now_ms() else 'in force until'} {day}"


def cuts_at(config: Config, name: str, at: str) -> tuple[bytes, list[Cut]]:
    """The node that `name` (its id or site) means, and the ends of its logs as this data directory has them.

    `at`: "now" (all that is held), or a local time like 2026-11-22T14:00, by the stamps of the records.
    Raises:
        FatalError: there is no such node, or several.
    """
    stamp_max = None if at == "now" else _stamp_of(at)

    def work(node: Node) -> tuple[bytes, list[Cut]]:
        found = _named(node, name)
        return found, [
            cut
            for log, seq in node.log.held_of(found)
            if (cut := _cut(node.log, log, seq, stamp_max)) is not None
        ]

    return _opened(config, work)


def _stamp_of(at: str) -> int:
    try:
        return int(datetime.fromisoformat(at).timestamp() * 1000)
    except ValueError as error:
        raise FatalError(
            f"{at} is neither now, nor a time like 2026-11-22T14:00, nor a list of cuts."
        ) from error


def _named(node: Node, name: str) -> bytes:
    if is_node(name):
        return bytes.fromhex(name)
    found = [each.node for each in node.context.authorities.certificates() if each.site == name]
    if len(found) == 1:
        return found[0]
    many = f"{len(found)} nodes" if found else "no node"
    raise FatalError(f"There is {many} at the site {name}. Name the node as `bongsu site list` shows it.")


def _cut(store: LogStore, log: LogName, seq: int, stamp_max: int | None) -> Cut | None:
    """Behind the last record before the first whose stamp is later; None: before all of them."""
    if stamp_max is None:
        (record,) = store.log_records(log, seq, 1)
        return Cut(log.epoch, log.lane, seq, record.hash)
    last = None
    for first in range(1, seq + 1, RECORDS_AT_ONCE):
        for record in store.log_records(log, first, min(RECORDS_AT_ONCE, seq - first + 1)):
            if record.header.stamp > stamp_max:
                return last
            last = Cut(log.epoch, log.lane, record.header.seq, record.hash)
    return last


def is_node(name: str) -> bool:
    """Whether this is a node's id, and not a site."""
    return re.fullmatch(f"[0-9a-f]{{{2 * NODE_BYTES}}}", name) is not None


def format_cuts(cuts: Iterable[Cut]) -> str:
    """Cuts as text: epoch/lane/seq/hash, with commas between them."""
    return ",".join(f"{cut.epoch:016x}/{cut.lane.name.lower()}/{cut.seq}/{cut.hash.hex()}" for cut in cuts)


def parse_cuts(text: str) -> list[Cut] | None:
    """Read `format_cuts`; None if this is something else."""
    cuts = []
    for part in text.split(",") if text else []:
        match = _CUT.fullmatch(part)
        if match is None:
            return None
        cuts.append(Cut(int(match[1], 16), Lane[match[2].upper()], int(match[3]), bytes.fromhex(match[4])))
    return cuts


def revoke(root: RootKey, node: bytes, cuts: list[Cut]) -> str:
    """A revocation. Its number is the time at which it is signed, so that the latest wins."""
    return authority.sign_revocation(node, SystemClock().now_ms(), cuts, root.sign)


def hand_in(config: Config, text: str) -> bytes:
    """Write a revocation into a node's log, from which it reaches every other; the node it is of.

    Raises:
        FatalError: it is not of this service's root key.
    """
    _check_used(config)
    config = with_root_key(config)
    if config.root_key is None:
        raise FatalError(
            "This service has no root key. Give the setting root_key; `bongsu root show` prints it."
        )
    try:
        revocation = authority.read_revocation(authority.read_key(config.root_key), text.strip())
    except MatrixError as error:
        raise FatalError(error.error) from error

    async def written() -> None:
        node = Node.open(config, SystemClock(), _silent)
        try:
            await node.introduce()
            await node.write(drafts.revocation(revocation.text, next_stamp(node.now_ms())))
        finally:
            node.close()

    asyncio.run(written())
    return revocation.node


def _opened(config: Config, work: Callable[[Node], T]) -> T:
    """Open a node's data, which no server may have open, and read it.

    Raises:
        FatalError: there are none, or a server runs on them.
    """
    _check_used(config)

    async def opened() -> T:
        node = Node.open(config, SystemClock(), _silent)
        try:
            return work(node)
        finally:
            node.close()

    return asyncio.run(opened())


def _check_used(config: Config) -> None:
    if not Path(config.data, "log.db").is_file():
        raise FatalError(f"There is no node in {config.data}. Check the setting data.")


def _silent(done: int, total: int) -> None:
    """Progress of steps that take no time worth showing."""
