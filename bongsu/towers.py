"""What the commands `bongsu tower …` do: officers' keys, and alerts signed on this machine."""

import json
import urllib.error
import urllib.request
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

from bongsu import drafts, limits
from bongsu.api.bongsu_tower_keys import take_key
from bongsu.canonical import json_bytes, read_object, unpadded_base64
from bongsu.cap import feeds
from bongsu.clock import SystemClock
from bongsu.config import Config
from bongsu.console.announcer import FAMILY
from bongsu.console.picture import service_status
from bongsu.errors import FatalError, MatrixError
from bongsu.node import Node
from bongsu.peers import Peers
from bongsu.rootkey import RootKey
from bongsu.sites import HTTP_S, opened
from bongsu.tower import alert, brief, keys, signed
from bongsu.tower import status_page as pages
from bongsu.tower.keys import TowerKey
from bongsu.view import incidents, registers

T = TypeVar("T")
_DAY_MS = 86_400_000


class OfficerKey(RootKey):
    """The key of somebody who may warn: their own file and passphrase, never on a node."""

    kind = "bongsu tower key 1"
    called = "tower key"

    @property
    def id(self) -> str:
        """The key's name."""
        return signed.key_id(self.public)


def now_ms() -> int:
    """The machine's clock in whole seconds, as alerts count."""
    return SystemClock().now_ms() // 1000 * 1000


def add(
    root: RootKey,
    request: str,
    *,
    role: str,
    areas: tuple[str, ...],
    users: tuple[str, ...],
    two_person: bool,
    days: int,
) -> str:
    """The root key's statement about an officer's key.

    Raises:
        FatalError: the request is damaged, or asks for what cannot be.
    """

    def work() -> str:
        public_key, name = keys.read_request(request.strip())
        issued = now_ms()
        expires = issued + days * _DAY_MS
        return keys.certify(
            TowerKey(public_key, name, role, areas, two_person, users, issued, expires), root.sign
        )

    return _told(work)


def end(root: RootKey, key: str, until_ms: int) -> str:
    """The end of a tower key. Its number is the time at which it is signed, so that the latest wins."""
    if not signed.is_id(key):
        raise FatalError(f"{key} is not the id of a tower key: `bongsu tower list` shows them.")
    return keys.end(key, SystemClock().now_ms(), until_ms, root.sign)


def install(config: Config, statement: str) -> str:
    """Give a statement about a tower key to a stopped node, whence it reaches every other; the key's id."""

    async def work(node: Node) -> str:
        node.promises.nobody()
        await node.introduce()
        return await take_key(node, statement.strip())

    return opened(config, work)


def install_there(url: str, statement: str) -> str:
    """As `install`, to a running node."""
    return str(call(url, "/_bongsu/node/v1/tower_keys", {"statement": statement.strip()}).get("key"))


def listed(config: Config) -> list[tuple[str, str, str, str, str]]:
    """(id, name, role, areas, state) of every statement about a tower key."""

    async def work(node: Node) -> list[tuple[str, str, str, str, str]]:
        keyring = node.context.tower.keyring()
        return [
            (key.id, key.name, key.role, " ".join(key.areas) or "everywhere", _state(keyring, key))
            for known in keyring.keys.values()
            for key in known
        ]

    return opened(config, work)


def _state(keyring: keys.Keyring, key: TowerKey) -> str:
    if key.id in keyring.ends:
        return "ended"
    return "expired" if key.expires_ms <= SystemClock().now_ms() else "in force"


def sign_alert(content: dict[str, Any], officers: list[OfficerKey]) -> dict[str, Any]:
    """What is handed in of an alert: its content, signatures, and the signatures of its form for radio.

    Raises:
        FatalError: it says what no alert may.
    """

    def work() -> dict[str, Any]:
        checked = alert.check(content)
        signatures = {each.id: signed.signature(signed.ALERT, checked, each.sign) for each in officers}
        found: dict[str, Any] = {"content": checked, "signatures": signatures}
        try:
            payload = brief.payload(checked)
        except MatrixError:
            return found
        briefs = {each.id: unpadded_base64(brief.sign(payload, each.sign)) for each in officers}
        return {**found, "briefs": briefs}

    return _told(work)


def hand_in_alert(url: str, whole: dict[str, Any]) -> tuple[str, str]:
    """(id, state) of an alert that a running node has taken."""
    found = call(url, "/_bongsu/client/v1/alerts", whole)
    return str(found.get("id")), str(found.get("state"))


def call(url: str, path: str, body: dict[str, Any] | None = None, token: str | None = None) -> dict[str, Any]:
    """The JSON object that a running node answers; POST where there is a body.

    Raises:
        FatalError: it refused, or does not answer.
    """
    if not url.startswith(("http://", "https://")):
        raise FatalError(f"{url} is not the base URL of a node: one begins with http:// or https://.")
    headers = {"Content-Type": "application/json"}
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    data = None if body is None else json_bytes(body)
    asked = urllib.request.Request(f"{url.rstrip('/')}{path}", data, headers)  # noqa: S310 - checked above
    try:
        with urllib.request.urlopen(asked, timeout=HTTP_S) as answer:  # noqa: S310
            return read_object(answer.read(limits.TOWER_ANSWER_BYTES_MAX), floats=True)
    except urllib.error.HTTPError as error:
        with error:
            said = error.read(4_096).decode(errors="replace")
        raise FatalError(_sentence(said) or f"{url} refused: {said}") from error
    except (OSError, MatrixError) as error:
        raise FatalError(f"{url} does not answer: {error}") from error


def _sentence(said: str) -> str | None:
    try:
        error = json.loads(said).get("error")
    except (ValueError, AttributeError):
        return None
    return error if isinstance(error, str) else None


def _told(work: Callable[[], T]) -> T:
    try:
        return work()
    except MatrixError as error:
        raise FatalError(error.error) from error


def read_json_file(path: Path) -> dict[str, Any]:
    """A JSON object from a file.

    Raises:
        FatalError: there is none.
    """
    try:
        return read_object(path.read_bytes(), floats=True)
    except (OSError, MatrixError) as error:
        raise FatalError(f"The file {path} cannot be read: {error}.") from error


def add_feed(config: Config, url: str, name: str, pin: Path | None) -> str:
    """Have a feed polled; its id.

    Raises:
        FatalError: the address or the certificate is none, or there are too many feeds.
    """
    from bongsu.cap.signing import check_certificate

    if not url.startswith(("https://", "http://")) or len(url) > limits.FEED_URL_CHARACTERS_MAX:
        raise FatalError(f"{url} is not the address of a feed: one begins with https://.")
    certificate = None
    if pin is not None:
        text = pin.read_text(encoding="ascii", errors="replace") if pin.is_file() else ""
        certificate = _told(lambda: check_certificate(text))
    feed = sha256(url.encode()).hexdigest()[:8]

    async def work(node: Node) -> str:
        if len(feeds.feeds(node)) >= limits.FEEDS_MAX:
            raise FatalError(f"There are {limits.FEEDS_MAX} feeds already. Remove one first.")
        value = {"name": name[: limits.TOWER_NAME_CHARACTERS_MAX], "url": url, "certificate": certificate}
        await _set_feed(node, feed, value)
        return feed

    return opened(config, work)


def list_feeds(config: Config) -> list[tuple[str, str, str, str]]:
    """(id, name, address, whether a certificate is pinned) of every feed."""

    async def work(node: Node) -> list[tuple[str, str, str, str]]:
        return [
            (each.id, each.name, each.url, "pinned" if each.certificate else "not pinned")
            for each in feeds.feeds(node)
        ]

    return opened(config, work)


def remove_feed(config: Config, feed: str) -> None:
    """Have a feed polled no more.

    Raises:
        FatalError: there is none of this id.
    """

    async def work(node: Node) -> None:
        if feed not in {each.id for each in feeds.feeds(node)}:
            raise FatalError(f"There is no feed {feed}: `bongsu tower feeds list` shows them.")
        await _set_feed(node, feed, None)

    opened(config, work)


def set_alert_room(config: Config, room_id: str, user_id: str) -> None:
    """Have alerts put into a room, in the name of a user who is in it.

    Raises:
        FatalError: they are not.
    """

    async def work(node: Node) -> None:
        live = node.context.live.find(room_id)
        if live is None or user_id not in live.joined:
            raise FatalError(f"{user_id} is not in the room {room_id}. Let them join it first.")
        await _set(node, (FAMILY, "", "", ""), {"room_id": room_id, "user_id": user_id})

    opened(config, work)


async def _set_feed(node: Node, feed: str, value: dict[str, Any] | None) -> None:
    await _set(node, (feeds.FAMILY, "", "", feed), value)


async def _set(node: Node, key: tuple[str, str, str, str], value: dict[str, Any] | None) -> None:
    node.promises.nobody()
    await node.introduce()
    stamp = registers.stamp_after(node.context, node.now_ms(), *key)
    await node.write(drafts.register(*key, value, stamp))


def status_page(config: Config, url: str | None, drills: list[Path]) -> tuple[str, dict[str, Any]]:
    """The status page and its JSON, as a running node's private listener or stopped data have it.

    Raises:
        FatalError: neither is there, or a drill's figures are none.
    """
    reports = [read_json_file(each) for each in drills]
    told = _status_of(config) if url is None else call(url, "/_bongsu/node/v1/status")
    try:
        found = pages.status(told, reports, SystemClock().now_ms())
        return pages.page(found), found
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise FatalError("What was read is no status of this release. Update both sides.") from error


def _status_of(config: Config) -> dict[str, Any]:
    async def work(node: Node) -> dict[str, Any]:
        return service_status(node, Peers(node))

    return opened(config, work)


def export_incident(config: Config, url: str | None, name: str, token: str | None) -> dict[str, Any]:
    """An incident with its proofs, from a running node or stopped data.

    Raises:
        FatalError: there is none of this id.
    """
    if url is not None:
        return call(url, f"/_bongsu/client/v1/incidents/{name}", token=token)

    async def work(node: Node) -> dict[str, Any]:
        found = node.context.tower.incidents().get(name)
        if found is None:
            known = ", ".join(node.context.tower.incidents()) or "none"
            raise FatalError(f"There is no incident {name}. There are: {known}.")
        names = incidents.names(node.context, found)
        return {**incidents.exported(node.context, found), "names": names}

    return opened(config, work)
