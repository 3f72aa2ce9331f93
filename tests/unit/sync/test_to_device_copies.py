"""A message to a device, sent again at another site: whoever was given one copy is not given the other."""

import asyncio
from pathlib import Path

from bongsu import drafts
from bongsu.config import Config
from bongsu.log.record import Draft
from bongsu.offline import verify
from bongsu.sync.encryption import messages
from bongsu.sync.filter import Filter
from bongsu.sync.request import SyncRequest
from bongsu.sync.token import Since
from tests.helpers.crowd import Crowd, crowd


def letter(made: Crowd, stamp: int) -> Draft:
    content = {"text": "한 번"}
    return drafts.to_device(("@b:localhost", "B"), "t1", "m.test", (made.users[0], "D"), content, stamp)


def told(made: Crowd, since: Since | None) -> int:
    request = SyncRequest(made.users[0], "D", "s", Filter(), False, "state", 0.0, "offline")
    return len(messages(made.node, request, since).events)


async def test_who_was_given_the_copy_is_not_given_the_first(tmp_path: Path) -> None:
    made = await crowd(tmp_path, 1)
    before = made.node.position
    (first,) = await made.node.write(letter(made, 10))
    (copy,) = await made.node.write(letter(made, 11))
    assert told(made, None) == 1
    assert told(made, Since(before, 0)) == 1
    # As another site's token says it: this one has seen the copy, and not the first.
    assert told(made, Since(before, 0, frozenset({first.position}))) == 0
    assert told(made, Since(before, 0, frozenset({first.position, copy.position}))) == 1
    data = made.node.config.data
    made.node.close()
    problems: list[str] = []
    assert await asyncio.to_thread(verify, Config(data=data), problems.append) == 0, problems
