"""An incident as a page to print: Korean and English, no script, everything escaped. Pure."""

from datetime import UTC, datetime, timedelta
from html import escape
from typing import Any

from bongsu.canonical import json_bytes
from bongsu.tower.incident import STAGES

STAGE_WORDS = dict(zip(STAGES, ("관심", "주의", "경계", "심각"), strict=True))
ACT_WORDS = {
    "open": "상황 발생 · opened",
    "stage": "단계 · stage",
    "order": "지시 · order",
    "report": "보고 · report",
    "request": "요청 · request",
    "confirmation": "확인 · confirmation",
    "handover": "지휘권 이양 · handover",
    "alert": "경보 · alert",
    "drill": "훈련 · drill",
    "close": "종료 · closed",
}
STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "table{border-collapse:collapse;width:100%}td,th{border-top:1px solid #bbb;padding:.3rem .5rem;"
    "text-align:left;vertical-align:top}.warning{border:2px solid #c2410c;padding:.5rem 1rem}"
    "code{font-size:80%;word-break:break-all}@media print{body{margin:0}}"
)
_KOREA = timedelta(hours=9)


def when(time_ms: int) -> str:
    """A time as people in Korea read it."""
    return (datetime.fromtimestamp(time_ms / 1000, UTC) + _KOREA).strftime("%Y-%m-%d %H:%M:%S KST")


def page(exported: dict[str, Any], names: dict[str, str]) -> str:
    """The report of an incident. `names` of the holders of keys, by key id."""
    state, opened = exported["state"], exported["state"]["opened"]
    said = opened["content"]
    title = f"{said['kind']} · {said['place']}"
    exercise = "" if said["status"] == "Actual" else "<p class=warning><strong>[훈련] Exercise</strong></p>"
    stage = f"{STAGE_WORDS.get(state['stage'], '?')} ({state['stage']})"
    closed = "종료 · closed" if state["closed"] else "진행 중 · open"
    return (
        "<!doctype html><html lang=ko><head><meta charset=utf-8>"
        "<meta name=viewport content='width=device-width'>"
        f"<title>{escape(title)}</title><style>{STYLE}</style></head><body>"
        f"<h1>{escape(title)}</h1>{exercise}"
        f"<p>시작 · began {when(opened['sent'])}. 단계 · stage: {escape(stage)}. {closed}. "
        f"지휘 · commander: {escape(state['commander_name'])}.</p>"
        f"{_conflicts(state['conflicts'])}"
        "<table><tr><th>시각 · when<th>행위 · act<th>누가 · who<th>내용 · content<th>증명 · proof</tr>"
        f"{''.join(_row(act, names) for act in exported['acts'])}</table>"
        f"<p>root key <code>{escape(exported['root_key'])}</code></p></body></html>\n"
    )


def _conflicts(conflicts: list[dict[str, Any]]) -> str:
    if not conflicts:
        return ""
    items = "".join(
        f"<li>{escape(each['about'])}: <code>{escape(', '.join(each['acts']))}</code></li>"
        for each in conflicts
    )
    words = "서로 모른 채 내려진 결정이 있습니다. Decisions that did not know of each other:"
    return f"<div class=warning><p>{words}</p><ul>{items}</ul></div>"


def _row(act: dict[str, Any], names: dict[str, str]) -> str:
    content = act["content"]
    words = ACT_WORDS.get(content["act"], content["act"])
    who = names.get(content["sender"], "?")
    if content.get("user_id"):
        who = f"{who} ({content['user_id']})"
    said = "<br>".join(
        f"{escape(str(name))}: {escape(value if isinstance(value, str) else json_bytes(value).decode())}"
        for name, value in sorted(content["content"].items())
    )
    return (
        f"<tr><td>{when(content['sent'])}<td>{escape(words)}<td>{escape(who)}<td>{said}"
        f"<td><code>{escape(act['id'])}</code></tr>"
    )
