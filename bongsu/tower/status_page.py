"""The status page: static, Korean and English, for any host, without a script; all escaped. Pure."""

from html import escape
from typing import Any

from bongsu.tower.report import STAGE_WORDS, STYLE, when

FORMAT = "bongsu status 1"
# What everybody may know is wrong; how a machine is set up is for its operators.
_PUBLIC = ("store", "disk", "filling", "rolled-back", "revoked", "alone", "nats", "certificate ", "site ")
_DRILL_FIGURES = ("drill", "release", "clients", "acknowledged", "lost", "struck_p95_s", "struck_p99_s")


def status(told: dict[str, Any], drills: list[dict[str, Any]], now_ms: int) -> dict[str, Any]:
    """The status as JSON. `told`: what a node says of the service; `drills`: reports of drills."""
    sites = [
        {
            "site": each["site"],
            "role": each["role"],
            "up": bool(each["linked"]),
            "since": each.get("linked_since"),
            "heard": (each.get("status") or {}).get("at"),
            "problems": [
                {"serious": bool(found["serious"]), "ko": str(found["ko"]), "en": str(found["en"])}
                for found in (each.get("status") or {}).get("problems", [])
                if str(found.get("name", "")).startswith(_PUBLIC)
            ],
        }
        for each in told["sites"]
        if not each["revoked"]
    ]
    core = [each for each in sites if each["role"] == "core"]
    up = sum(each["up"] for each in core)
    troubled = any(found["serious"] for each in core for found in each["problems"])
    return {
        "format": FORMAT,
        "server_name": told["server_name"],
        "as_of": now_ms,
        "seen_from": told["seen_from"],
        "state": "up" if up == len(core) and not troubled else "reduced",
        "durability": {
            "promise": "two sites" if up > 1 else "here",
            "core_sites_up": up,
            "core_sites": len(core),
        },
        "sites": sites,
        "incidents": told["incidents"],
        "drills": [{name: each.get(name) for name in _DRILL_FIGURES} for each in drills],
    }


def page(found: dict[str, Any]) -> str:
    """The status as a page."""
    name = escape(found["server_name"])
    return (
        "<!doctype html><html lang=ko><head><meta charset=utf-8>"
        "<meta name=viewport content='width=device-width'>"
        "<meta http-equiv=Content-Security-Policy content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>{name} 상태 · status</title><style>{STYLE}</style></head><body>"
        f"<h1>{name}</h1>{_state(found)}"
        f"<p>{when(found['as_of'])}, {escape(found['seen_from'])}에서 본 상태 · as seen from there. "
        "이 시각이 30분 넘게 지났으면 이 쪽은 멈춘 것이니 다른 곳의 상태를 보세요. · "
        "If that is more than half an hour ago, this page has stopped: look at another one.</p>"
        f"{_durability(found['durability'])}{_sites(found['sites'])}{_incidents(found['incidents'])}"
        f"{_drills(found['drills'])}</body></html>\n"
    )


def _state(found: dict[str, Any]) -> str:
    if found["state"] == "up":
        return "<p><strong>모든 데이터센터가 정상입니다.</strong> All data centres are up.</p>"
    if found["durability"]["core_sites_up"] == found["durability"]["core_sites"]:
        return (
            "<p class=warning><strong>데이터센터에 문제가 있습니다. 무엇인지 아래에 있습니다.</strong> "
            "A data centre has a problem, which is named below.</p>"
        )
    return (
        "<p class=warning><strong>일부 데이터센터에 닿지 않습니다. 다른 곳에서 계속 쓸 수 있습니다."
        "</strong> Some data centres are not reached. The service goes on at the others.</p>"
    )


def _durability(found: dict[str, Any]) -> str:
    up, all_of = found["core_sites_up"], found["core_sites"]
    if found["promise"] == "two sites":
        return (
            f"<p>메시지는 두 곳 이상의 디스크에 저장됩니다({up}/{all_of}). "
            "A message is on the disks of two sites before it counts as sent.</p>"
        )
    return (
        f"<p class=warning>메시지는 지금 한 곳의 디스크에만 저장됩니다({up}/{all_of}). "
        "A message is on one site's disk for now.</p>"
    )


def _sites(sites: list[dict[str, Any]]) -> str:
    rows = "".join(
        f"<tr><td>{escape(each['site'])}<td>{_role(each['role'])}<td>{_up(each)}<td>{_problems(each)}</tr>"
        for each in sites
    )
    return (
        "<h2>사이트 · Sites</h2><table><tr><th>이름 · name<th>종류 · kind<th>상태 · state"
        f"<th>문제 · problems</tr>{rows}</table>"
    )


def _role(role: str) -> str:
    return "데이터센터 · data centre" if role == "core" else "거점 · hub"


def _up(site: dict[str, Any]) -> str:
    words = "연결됨 · up" if site["up"] else "닿지 않음 · not reached"
    since = f", {when(site['since'])}부터 · since" if site["since"] else ""
    heard = "" if site["up"] or not site["heard"] else f"; 마지막 소식 · last heard {when(site['heard'])}"
    return f"{words}{since}{heard}"


def _problems(site: dict[str, Any]) -> str:
    return "<br>".join(f"{escape(each['ko'])} {escape(each['en'])}" for each in site["problems"])


def _incidents(incidents: list[dict[str, Any]]) -> str:
    items = "".join(
        f"<li>{_exercise(each)}{when(each['since'])} {escape(each['kind'])}, {escape(each['place'])}: "
        f"{escape(STAGE_WORDS.get(each['stage'], '?'))}{' (종료 · closed)' if each['closed'] else ''}</li>"
        for each in incidents
    )
    return f"<h2>상황 · Incidents</h2><ul>{items or '<li>없음 · none</li>'}</ul>"


def _exercise(incident: dict[str, Any]) -> str:
    return "" if incident["status"] == "Actual" else "[훈련 · exercise] "


def _drills(drills: list[dict[str, Any]]) -> str:
    rows = "".join(
        f"<tr><td>{escape(str(each['drill']))}<td>{_figure(each['lost'])} / "
        f"{_figure(each['acknowledged'])}<td>{_figure(each['struck_p95_s'])}"
        f"<td>{_figure(each['struck_p99_s'])}</tr>"
        for each in drills
    )
    return (
        "<h2>훈련에서 잰 값 · Measured in drills</h2><table><tr><th>훈련 · drill"
        "<th>잃은 메시지 · lost messages (RPO)<th>공백 p95, 초 · gap p95, s (RTO)"
        f"<th>공백 p99, 초 · gap p99, s</tr>{rows}</table>"
    )


def _figure(value: Any) -> str:
    if value is None:
        return "-"
    return escape(f"{value:.2f}" if isinstance(value, float) else str(value))
