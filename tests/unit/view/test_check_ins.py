"""Two thousand check-ins of one hub, late, out of order and twice: each counts once at the tower."""

import random
from pathlib import Path

from bongsu import drafts, tower_drafts
from bongsu.log.record import Draft
from bongsu.tower import check_in, signed
from bongsu.view import check_ins, tower_people
from tests.helpers.service import Reader, Site
from tests.helpers.tower import Officer

PEOPLE = 2_000


async def test_two_thousand_check_ins_count_once(tmp_path: Path) -> None:
    chosen = random.Random(5)
    (tmp_path / "sites").mkdir()
    sites = [Site(tmp_path / "sites" / name, name) for name in ("one", "two")]
    people = [f"@p{number}:town" for number in range(PEOPLE)]
    for site in sites:
        await site.introduce()
    await sites[0].write(*(drafts.user(user, 1, 5) for user in people))
    said: dict[str, str] = {}
    written = []
    for user in people:
        for stamp in range(10, 10 + chosen.randrange(1, 4)):
            said[user] = chosen.choice(("safe", "help"))
            written.append(tower_drafts.check_in(user, {"answer": said[user]}, stamp))
    chosen.shuffle(written)
    await sites[0].write(*written)
    # A courier brings some of them again, in another node's log.
    await sites[1].write(*chosen.sample(written, 1_000))
    reader = Reader(tmp_path / "reader")
    await reader.node.introduce()
    await reader.take_all(sites, 1)
    context = reader.node.context
    asked = tower_people.asked(tower_people.areas_of_people(context), ["one"])
    sums = check_in.sums(asked, check_in.answers(check_ins.all_of(context), "0" * 32, 10))
    answers = list(said.values())
    assert sums == {
        "one": {"safe": answers.count("safe"), "help": answers.count("help"), "silent": 0},
    }
    assert check_ins.friends(context, people[0]) == set()
    reader.close()
    for site in sites:
        site.log.close()


async def test_what_an_exercise_hid_until_it_was_known_is_told_again(tmp_path: Path) -> None:
    site = Site(tmp_path / "one", "one")
    await site.introduce()
    officer = Officer("mayor")
    asked = officer.call()
    content = asked["content"]
    call = check_in.call_id(content)
    reader = Reader(tmp_path / "reader")
    await reader.node.introduce()
    context = reader.node.context

    async def told(*drafts: Draft) -> list[tuple[str, int]]:
        before = reader.node.position
        await site.write(*drafts)
        await reader.take_all([site], 1)
        return [(each.answer, each.stamp) for each in check_ins.changed_since(context, before)]

    kim = "@kim:town"
    assert await told(tower_drafts.check_in(kim, {"answer": "help"}, 10)) == [("help", 10)]
    answer = tower_drafts.check_in(kim, {"answer": "safe", "request": call}, 20)
    assert await told(answer) == [("safe", 20)]
    question = tower_drafts.statement(signed.CALL, content, asked["signatures"], 1)
    assert await told(question) == [("help", 10), ("safe", 20)]
    assert await told(question) == []
    reader.close()
    site.log.close()
