"""Two thousand check-ins of one hub, late, out of order and twice: each counts once at the tower."""

import random
from pathlib import Path

from bongsu import drafts, tower_drafts
from bongsu.tower import check_in
from bongsu.view import check_ins, tower_people
from tests.helpers.service import Reader, Site

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
    sums = check_in.sums(asked, check_ins.all_of(context), "0" * 32, 10)
    answers = list(said.values())
    assert sums == {
        "one": {"safe": answers.count("safe"), "help": answers.count("help"), "silent": 0},
    }
    assert check_ins.friends(context, people[0]) == set()
    reader.close()
    for site in sites:
        site.log.close()
