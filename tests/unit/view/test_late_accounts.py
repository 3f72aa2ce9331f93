"""A password changed at one site may arrive before the account, made at another."""

from pathlib import Path

from bongsu import drafts
from tests.helpers.crowd import crowd


async def test_a_password_that_came_before_its_account(tmp_path: Path) -> None:
    made = await crowd(tmp_path, 1)
    name = "@late:localhost"
    await made.node.write(drafts.password(name, "hash", 20))
    assert made.node.context.db.one("SELECT 1 FROM users WHERE user_id=?", (name,)) is None
    await made.node.write(drafts.user(name, 5, 10))
    assert made.node.context.db.value("SELECT password FROM users WHERE user_id=?", (name,)) == "hash"
    made.node.close()
