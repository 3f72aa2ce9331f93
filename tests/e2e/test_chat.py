"""Two real clients chat encrypted through a real server that restarts, and then loses its power."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.e2e.clients import JsClient, Message, NioClient, RealClient
from tests.server import Server


class Chat:
    """A room with both clients in it, and what was said there."""

    def __init__(self, room_id: str, sora: RealClient, bada: RealClient) -> None:
        self.room_id = room_id
        self.clients = (sora, bada)
        self.said: list[Message] = []

    async def say(self, client: RealClient, body: str) -> None:
        event_id = await client.send(self.room_id, body)
        self.said.append(Message(event_id, client.user_id, body))

    async def monologue(self, client: RealClient, topic: str, messages: int) -> None:
        for number in range(messages):
            await self.say(client, f"{topic} {number}")

    async def dialogue(self, topic: str, messages: int) -> None:
        """They answer each other: each waits until it has seen the message before."""
        sora, bada = self.clients
        for number in range(messages):
            speaker, listener = (sora, bada) if number % 2 == 0 else (bada, sora)
            await self.say(speaker, f"{topic} {number}")
            await self.seen_by(listener)

    async def seen_by(self, client: RealClient) -> None:
        await client.wait_until(
            lambda: set(self.said) <= set(client.messages), f"all {len(self.said)} messages"
        )

    async def check(self) -> None:
        """Everybody was shown every message, decrypted, once, and each speaker's in the order of speaking."""
        for client in self.clients:
            await self.seen_by(client)
            assert len(client.messages) == len(self.said), f"{client.user_id} was shown {client.messages}"
            for speaker in self.clients:
                shown = [message for message in client.messages if message.sender == speaker.user_id]
                assert shown == [message for message in self.said if message.sender == speaker.user_id]
            assert client.undecryptable == []


@pytest.fixture
async def clients(tmp_path: Path) -> AsyncIterator[tuple[NioClient, JsClient]]:
    sora, bada = NioClient(tmp_path / "nio"), JsClient(tmp_path / "js")
    yield sora, bada
    await sora.close()
    await bada.close()


async def test_two_clients_chat_encrypted_across_a_restart_and_a_power_cut(
    tmp_path: Path, clients: tuple[NioClient, JsClient]
) -> None:
    server = Server(tmp_path)
    try:
        await asyncio.to_thread(server.start)
        chat = await meet(server.url, *clients)
        await chat.dialogue("처음", 6)

        await asyncio.to_thread(server.stop)
        await asyncio.to_thread(server.start)
        await chat.dialogue("다시 켠 뒤", 6)
        await chat.check()

        # Both speak on while the power fails: what was acknowledged stays, what was not is sent again.
        speaking = [asyncio.create_task(chat.monologue(client, "정전", 20)) for client in clients]
        spoken = len(chat.said)
        await clients[0].wait_until(lambda: len(clients[0].messages) >= spoken + 10, "10 messages")
        server.kill()
        await asyncio.to_thread(server.start)
        await asyncio.gather(*speaking)
        await chat.check()

        await chat.dialogue("불이 들어온 뒤", 6)
        await chat.check()
        await asyncio.to_thread(server.stop)
        server.verify()
    finally:
        server.kill()


async def meet(url: str, sora: NioClient, bada: JsClient) -> Chat:
    """Both make an account; sora invites bada into an encrypted room."""
    await sora.register(url, "sora")
    await bada.register(url, "bada")
    room_id = await sora.create_encrypted_room(bada)
    await bada.join(room_id)
    await sora.knows_members(room_id, {sora.user_id, bada.user_id})
    return Chat(room_id, sora, bada)
