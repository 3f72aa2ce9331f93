"""The real clients of the end-to-end tests, behind one small interface: matrix-nio and matrix-js-sdk."""

import asyncio
import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import nio

FOLDER = Path(__file__).parent
PASSWORD = "봉수대 다섯 개"
WAIT_SECONDS_MAX = 120
# Long enough that no sync leaves a gap, which a user would fill by scrolling back.
WITHOUT_GAPS = {"room": {"timeline": {"limit": 200}}}


@dataclass(frozen=True, slots=True)
class Message:
    """A message as a client showed it to its user."""

    event_id: str
    sender: str
    body: str
    encrypted: bool = True


class RealClient(Protocol):
    """What the tests ask of a client. `messages` is what it showed, in its order, each time it did."""

    user_id: str
    messages: list[Message]
    undecryptable: list[str]

    async def register(self, url: str, name: str) -> None: ...
    async def join(self, room_id: str) -> None: ...
    async def send(self, room_id: str, body: str) -> str: ...
    async def wait_until(self, done: Callable[[], bool], what: str) -> None: ...
    async def close(self) -> None: ...


class _Waiting:
    """Lets a test wait for what a client is told, without looking at the clock in between."""

    def __init__(self) -> None:
        self.user_id = ""
        self.messages: list[Message] = []
        self.undecryptable: list[str] = []
        self.invited: set[str] = set()
        self._news = asyncio.Condition()

    async def wait_until(self, done: Callable[[], bool], what: str) -> None:
        async with self._news:
            try:
                await asyncio.wait_for(self._news.wait_for(done), WAIT_SECONDS_MAX)
            except TimeoutError:
                bodies = [message.body for message in self.messages]
                raise AssertionError(
                    f"{self.user_id} never saw {what}; it showed {bodies}. {self._said()}"
                ) from None

    async def _tell(self) -> None:
        async with self._news:
            self._news.notify_all()

    def _said(self) -> str:
        """What the client itself has to say about a failure."""
        return ""


class NioClient(_Waiting):
    """matrix-nio with its encryption (vodozemac) and its store on disk."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder
        self._client: nio.AsyncClient | None = None
        self._syncing: asyncio.Task[None] | None = None

    @property
    def _nio(self) -> nio.AsyncClient:
        assert self._client is not None, "not registered"
        return self._client

    async def register(self, url: str, name: str) -> None:
        self._folder.mkdir(exist_ok=True)
        config = nio.AsyncClientConfig(max_timeout_retry_wait_time=1, request_timeout=30)
        self._client = nio.AsyncClient(url, name, store_path=str(self._folder), config=config)
        answer = await self._client.register(name, PASSWORD, "matrix-nio")
        assert isinstance(answer, nio.RegisterResponse), answer
        self.user_id = answer.user_id
        self._client.add_event_callback(self._on_message, nio.RoomMessageText)
        self._client.add_event_callback(self._on_undecryptable, nio.MegolmEvent)
        self._client.add_event_callback(self._on_invite, nio.InviteMemberEvent)
        self._syncing = asyncio.create_task(self._client.sync_forever(10_000, WITHOUT_GAPS))

    async def _on_message(self, _room: nio.MatrixRoom, event: nio.Event) -> None:
        assert isinstance(event, nio.RoomMessageText)
        self.messages.append(Message(event.event_id, event.sender, event.body, event.decrypted))
        await self._tell()

    async def _on_undecryptable(self, _room: nio.MatrixRoom, event: nio.Event) -> None:
        self.undecryptable.append(event.event_id)
        await self._tell()

    async def _on_invite(self, room: nio.MatrixRoom, _event: nio.Event) -> None:
        self.invited.add(room.room_id)
        await self._tell()

    async def create_encrypted_room(self, other: RealClient) -> str:
        state = [{"type": "m.room.encryption", "content": {"algorithm": "m.megolm.v1.aes-sha2"}}]
        answer = await self._nio.room_create(initial_state=state, invite=[other.user_id], name="상황실")
        assert isinstance(answer, nio.RoomCreateResponse), answer
        return answer.room_id

    async def join(self, room_id: str) -> None:
        await self.wait_until(lambda: room_id in self.invited, "an invitation")
        answer = await self._nio.join(room_id)
        assert isinstance(answer, nio.JoinResponse), answer

    async def knows_members(self, room_id: str, user_ids: set[str]) -> None:
        """Wait until the client has everybody in its member list, so that it encrypts for all of them."""
        while not user_ids <= {*getattr(self._nio.rooms.get(room_id), "users", {})}:
            await self._nio.synced.wait()

    async def send(self, room_id: str, body: str) -> str:
        content = {"msgtype": "m.text", "body": body}
        answer = await self._nio.room_send(room_id, "m.room.message", content, ignore_unverified_devices=True)
        assert isinstance(answer, nio.RoomSendResponse), answer
        return answer.event_id

    def _said(self) -> str:
        ended = self._syncing is not None and self._syncing.done()
        return f"Its syncing ended: {self._syncing!r}" if ended else "It is syncing."

    async def close(self) -> None:
        if self._syncing is not None:
            self._syncing.cancel()
            await asyncio.gather(self._syncing, return_exceptions=True)
        if self._client is not None:
            await self._client.close()


class JsClient(_Waiting):
    """matrix-js-sdk with its Rust encryption, in a Node process (client.mjs)."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._log = folder.with_suffix(".log")
        self._process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._numbers = itertools.count(1)

    async def _start(self) -> None:
        with self._log.open("a", encoding="utf-8") as log:
            self._process = await asyncio.create_subprocess_exec(
                *("node", str(FOLDER / "client.mjs")),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                limit=2**20,
            )
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            said = json.loads(line)
            if "id" in said:
                self._answers.pop(said["id"]).set_result(said)
            elif said["event"] == "message":
                message = Message(said["event_id"], said["sender"], said["body"], said["encrypted"])
                self.messages.append(message)
            elif said["event"] == "undecryptable":
                self.undecryptable.append(said["event_id"])
            elif said["event"] == "membership" and said["membership"] == "invite":
                self.invited.add(said["room_id"])
            await self._tell()
        for waiting in self._answers.values():
            waiting.set_exception(AssertionError(f"The Node process ended. {self._said()}"))

    async def _ask(self, command: str, **given: object) -> dict[str, Any]:
        assert self._process is not None
        assert self._process.stdin is not None
        number = next(self._numbers)
        self._answers[number] = asyncio.get_running_loop().create_future()
        line = json.dumps({"id": number, "command": command, **given}) + "\n"
        self._process.stdin.write(line.encode())
        said = await asyncio.wait_for(self._answers[number], WAIT_SECONDS_MAX)
        assert "error" not in said, f"{command}: {said['error']}\n{self._said()}"
        result: dict[str, Any] = said["result"]
        return result

    async def register(self, url: str, name: str) -> None:
        await self._start()
        answer = await self._ask("register", url=url, name=name, password=PASSWORD)
        self.user_id = answer["user_id"]
        assert answer["cross_signing"], "cross-signing was not set up"

    async def join(self, room_id: str) -> None:
        await self.wait_until(lambda: room_id in self.invited, "an invitation")
        await self._ask("join", room_id=room_id)

    async def send(self, room_id: str, body: str) -> str:
        answer = await self._ask("send", room_id=room_id, body=body, txn_id=f"js{next(self._numbers)}")
        event_id: str = answer["event_id"]
        return event_id

    async def close(self) -> None:
        if self._process is not None:
            if self._process.returncode is None:
                self._process.kill()
            await self._process.wait()
        if self._reading is not None:
            await asyncio.gather(self._reading, return_exceptions=True)

    def _said(self) -> str:
        return f"Its log ends:\n{self._log.read_text(encoding='utf-8')[-3000:]}"
