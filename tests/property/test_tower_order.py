"""Alerts, acts, answers and keys: any order of arrival, and a rebuild, give the same tower."""

import asyncio
import random
from pathlib import Path
from typing import Any

import pytest

from bongsu import tower_drafts
from bongsu.clock import SystemClock
from bongsu.log.record import Draft
from bongsu.offline import differences
from bongsu.tower import brief, keys, signed
from bongsu.tower.alert import State
from bongsu.tower.check_in import call_id, standing
from bongsu.tower.export import state_fields
from bongsu.tower.incident import act_id
from bongsu.view import check_ins
from bongsu.view.context import Context
from bongsu.view.rebuild import rebuild
from tests.helpers.service import ROOT, Reader, Site
from tests.helpers.tower import Officer, alert_content

SEEDS = 6
ORDERS = 3
START = 1_800_000_000_000
USERS = [f"@{name}:town" for name in ("kim", "lee", "park")]


def scribble(seed: int) -> list[Draft]:
    """Officers, one of whom loses the key, warn, call off and act; people answer."""
    chosen = random.Random(seed)
    officers = [Officer(f"officer {number}", seed=seed * 10 + number + 1) for number in range(3)]
    thief = Officer("thief", seed=seed * 10 + 9)
    made = [tower_drafts.tower_key(each.statement(users=(f"@{each.name}:town",)), 1) for each in officers[:2]]
    made.append(tower_drafts.tower_key(officers[2].statement(two_person=True), 2))
    for number in range(2):
        until = START + chosen.randrange(40) * 1000
        end = keys.end(officers[1].id, number, until, ROOT.sign_bytes)
        made.append(tower_drafts.tower_key_end(end, number))
    alerts: list[str] = []
    acts: list[str] = []
    calls = [""]
    for step in range(40):
        by = chosen.choice([*officers, thief])
        sent = START + step * 1000
        if chosen.random() < 0.5:
            made += _alert(chosen, by, officers, alerts, sent)
        else:
            made.append(_act(chosen, by, acts, sent))
        user, stamp = chosen.choice(USERS), chosen.randrange(1, 20)
        if alerts:
            answer = chosen.choice(("seen", "confirmed", "cannot"))
            made.append(tower_drafts.alert_ack(user, chosen.choice(alerts), answer, stamp))
        answer = chosen.choice(("safe", "help"))
        asked = chosen.choice(calls)
        said = {"answer": answer, "where": f"{step}"} | ({"request": asked} if asked else {})
        made.append(tower_drafts.check_in(user, said, stamp))
        if step % 10 == 0:
            made.append(_call(chosen, by, calls, sent))
    return made


def _alert(
    chosen: random.Random, by: Officer, officers: list[Officer], alerts: list[str], sent: int
) -> list[Draft]:
    kind = chosen.choice(("Alert", "Update", "Cancel")) if alerts else "Alert"
    content = alert_content(
        by.id,
        sent=sent,
        msg_type=kind,
        status=chosen.choice(("Actual", "Actual", "Exercise")),
        references=[] if kind == "Alert" else sorted({*chosen.choices(alerts, k=3)}),
    )
    alerts.append(signed.statement_id(signed.ALERT, content))
    drafts = []
    for each in {by.id: by, officers[0].id: chosen.choice(officers)}.values():
        signatures = {each.id: each.sign(signed.ALERT, content)}
        drafts.append(tower_drafts.statement(signed.ALERT, content, signatures, 1))
    if chosen.random() < 0.3:
        lie = {by.id: officers[0].sign(signed.ALERT, alert_content(by.id, sent=sent))}
        drafts.append(tower_drafts.statement(signed.ALERT, content, lie, 1))
    payload = brief.payload(content)
    raw = brief.encode(payload, by.id, brief.sign(payload, by.key.sign_bytes))
    return [*drafts, tower_drafts.alert_brief(raw, 1)]


def _call(chosen: random.Random, by: Officer, calls: list[str], sent: int) -> Draft:
    content = by.call(sent=sent, expires=sent + 1000, status=chosen.choice(("Actual", "Exercise")))["content"]
    calls.append(call_id(content))
    return tower_drafts.statement(signed.CALL, content, {by.id: by.sign(signed.CALL, content)}, 1)


def _act(chosen: random.Random, by: Officer, acts: list[str], sent: int) -> Draft:
    content: dict[str, Any] = {"sender": by.id, "sent": sent}
    if not acts:
        said = {"kind": "산불", "place": "난곡동", "stage": "caution", "status": "Exercise"}
        content |= {"act": "open", "content": said, "areas": []}
    else:
        kind = chosen.choice(("stage", "handover", "close", "report"))
        said = {
            "stage": {"stage": chosen.choice(("alert", "serious"))},
            "handover": {"to": by.id, "role": "commander"},
        }.get(kind, {})
        after = sorted(set(chosen.sample(acts, min(len(acts), chosen.randrange(1, 3)))))
        content |= {"act": kind, "content": said, "incident": acts[0], "after": after}
    acts.append(act_id(content))
    return tower_drafts.statement(signed.ACT, content, {by.id: by.sign(signed.ACT, content)}, 1)


def told(context: Context) -> list[Any]:
    keyring = context.tower.keyring()
    alerts = [(each.id, each.state, each.content, each.signers) for each in context.tower.alerts().values()]
    incidents = [state_fields(each, keyring) for each in context.tower.incidents().values()]
    acks = context.db.all("SELECT alert, user_id, answer, stamp FROM alert_acks ORDER BY 1, 2")
    said = check_ins.all_of(context)
    return [alerts, incidents, acks, said, standing(said, context.tower.exercises())]


async def seen(folder: Path, sites: list[Site], order: int) -> list[Any]:
    reader = Reader(folder)
    await reader.node.introduce()
    await reader.take_all(sites, order)
    context = reader.node.context
    answers = told(context)
    built = rebuild(
        folder / "again.db", reader.node.log, ROOT.public, SystemClock().now_ms, lambda done, total: None
    )
    assert differences(context.db, built) == []
    built.close()
    reader.close()
    return answers


@pytest.mark.parametrize("seed", range(SEEDS))
def test_any_order_gives_the_same_tower(seed: int, tmp_path: Path) -> None:
    async def run() -> None:
        (tmp_path / "sites").mkdir()
        sites = [Site(tmp_path / "sites" / name, name) for name in ("one", "two", "three")]
        chosen = random.Random(seed)
        for site in sites:
            await site.introduce()
        for draft in scribble(seed):
            await chosen.choice(sites).write(draft)
        first: list[Any] | None = None
        for order in range(ORDERS):
            answers = await seen(tmp_path / f"{order}", sites, seed * 100 + order)
            first = first or answers
            assert answers == first
        assert first is not None
        states = {state for _, state, _, _ in first[0]}
        assert State.STANDING in states
        assert len(states) > 1
        assert first[2]
        for site in sites:
            site.log.close()

    asyncio.run(run())
