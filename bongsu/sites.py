"""What the commands `bongsu site …` do: nodes let in and shut out, with the root key in hand."""

import asyncio
import time
import urllib.error
import urllib.request
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from bongsu import authority, limits
from bongsu.authority import CORE, HUB, Certificate, Cut, Request
from bongsu.canonical import json_bytes, read_object
from bongsu.clock import SystemClock
from bongsu.config import Config
from bongsu.cuts import check_not_last, cuts_of, is_node, parse_cuts, take_revocation
from bongsu.errors import FatalError, MatrixError
from bongsu.node import Node
from bongsu.rootkey import RootKey

T = TypeVar("T")
HTTP_S = 30
_DAY_MS = 86_400_000


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


def cuts_here(config: Config, name: str, at: str, *, to_revoke: bool = False) -> tuple[bytes, list[Cut]]:
    """The node that `name` (its id or site) means, and the ends of its logs as this data directory has them.

    `at`: "now" (all that is held), or a local time like 2026-11-22T14:00, by the stamps of the records.
    `to_revoke`: refuse the last data centre.
    Raises:
        FatalError: there is no such node, or several.
    """
    stamp_max = stamp_of(at)

    def found(node: Node) -> tuple[bytes, list[Cut]]:
        gone, cuts = cuts_of(node, name, stamp_max)
        if to_revoke:
            check_not_last(node, gone)
        return gone, cuts

    return _opened(config, found)


def stamp_of(at: str) -> int | None:
    """The stamp that a time means; None: now, all that is held.

    Raises:
        FatalError: it is none.
    """
    if at == "now":
        return None
    try:
        return int(datetime.fromisoformat(at).timestamp() * 1000)
    except ValueError as error:
        raise FatalError(
            f"{at} is neither now, nor a time like 2026-11-22T14:00, nor a list of cuts."
        ) from error


def revoke(root: RootKey, node: bytes, cuts: list[Cut]) -> str:
    """A revocation. Its number is the time at which it is signed, so that the latest wins."""
    return authority.sign_revocation(node, SystemClock().now_ms(), cuts, root.sign)


def hand_in(config: Config, text: str) -> bytes:
    """Write a revocation into a node's log, from which it reaches every other; the node it is of.

    Raises:
        FatalError: it is not of this service's root key.
    """
    _check_used(config)

    async def written() -> bytes:
        node = Node.open(config, SystemClock(), _silent)
        try:
            await node.introduce()
            return await take_revocation(node, text.strip())
        finally:
            node.close()

    try:
        return asyncio.run(written())
    except MatrixError as error:
        raise FatalError(error.error) from error


def cuts_there(
    root: RootKey, url: str, name: str, at: str, *, to_revoke: bool = False
) -> tuple[bytes, list[Cut]]:
    """As `cuts_here`, of a running node."""
    query = authority.sign_query(name, stamp_of(at) or 0, root.sign)
    found = _post(url, "cuts", {"query": query, "to_revoke": "yes" if to_revoke else "no"})
    cuts = parse_cuts(str(found.get("cuts")))
    if cuts is None or not is_node(str(found.get("node"))):
        raise FatalError(f"What answers at {url} is not a node of this release.")
    return bytes.fromhex(str(found["node"])), cuts


def hand_in_there(url: str, text: str) -> bytes:
    """As `hand_in`, to a running node."""
    return bytes.fromhex(str(_post(url, "revocations", {"revocation": text.strip()}).get("node", "")))


def _post(url: str, path: str, body: dict[str, str]) -> dict[str, object]:
    if not url.startswith(("http://", "https://")):
        raise FatalError(f"{url} is not the base URL of a node: one begins with http:// or https://.")
    headers = {"Content-Type": "application/json"}
    asked = urllib.request.Request(  # noqa: S310 - its scheme is checked above
        f"{url.rstrip('/')}/_bongsu/node/v1/{path}", json_bytes(body), headers
    )
    try:
        with urllib.request.urlopen(asked, timeout=HTTP_S) as answer:  # noqa: S310
            found = read_object(answer.read(limits.STATEMENT_CHARACTERS_MAX))
    except urllib.error.HTTPError as error:
        with error:
            said = error.read(4_096).decode(errors="replace")
        raise FatalError(f"{url} refused: {_sentence(said)}") from error
    except (OSError, MatrixError) as error:
        raise FatalError(f"{url} does not answer: {error}") from error
    return found


def _sentence(said: str) -> str:
    """What a person is to read of a refusal."""
    try:
        return str(read_object(said.encode())["error"])
    except (MatrixError, KeyError):
        return said


def _opened(config: Config, work: Callable[[Node], T]) -> T:
    """Open a node's data, which no server may have open, and read it."""

    async def read(node: Node) -> T:
        return work(node)

    return opened(config, read)


def opened(config: Config, work: Callable[[Node], Awaitable[T]]) -> T:
    """Open a node's data, which no server may have open, and work on it.

    Raises:
        FatalError: there are none, or a server runs on them.
    """
    _check_used(config)

    async def worked() -> T:
        node = Node.open(config, SystemClock(), _silent)
        try:
            return await work(node)
        finally:
            node.close()

    try:
        return asyncio.run(worked())
    except MatrixError as error:
        raise FatalError(error.error) from error


def _check_used(config: Config) -> None:
    if not Path(config.data, "log.db").is_file():
        raise FatalError(f"There is no node in {config.data}. Check the setting data.")


def _silent(done: int, total: int) -> None:
    """Progress of steps that take no time worth showing."""
