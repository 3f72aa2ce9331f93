"""Plain HTTP on a hub's Wi-Fi: what phones ask to judge a network, and the notices, without a script.

A page over plain HTTP can keep no keys, so nobody logs in here; it says where the service is."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta, timezone
from html import escape
from typing import Any, Protocol

from bongsu import limits
from bongsu.hub.board import Notice, notices
from bongsu.hub.energy import Battery
from bongsu.hub.power import Power
from bongsu.view.context import Context

HTML = "text/html; charset=utf-8"
TEXT = "text/plain; charset=utf-8"
KOREA = timezone(timedelta(hours=9))
WARNINGS_SHOWN = 5

# What each system asks over plain HTTP, and the answer by which it takes the network for good. Android's
# second question goes over HTTPS to its maker and cannot be answered here.
_SUCCESS = "<HTML><HEAD><TITLE>Success</TITLE></HEAD><BODY>Success</BODY></HTML>"
PROBES: dict[str, tuple[int, str, str]] = {
    "/generate_204": (204, TEXT, ""),
    "/gen_204": (204, TEXT, ""),
    "/hotspot-detect.html": (200, HTML, _SUCCESS),
    "/library/test/success.html": (200, HTML, _SUCCESS),
    "/connecttest.txt": (200, TEXT, "Microsoft Connect Test"),
    "/ncsi.txt": (200, TEXT, "Microsoft NCSI"),
    "/success.txt": (200, TEXT, "success\n"),
    "/canonical.html": (200, HTML, _SUCCESS),
    "/check_network_status.txt": (200, TEXT, "NetworkManager is online\n"),
}
_HEADERS = (
    ("cache-control", "no-store"),
    (
        "content-security-policy",
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("server", "bongsu"),
)
_STYLE = (
    "body{font:1.1rem/1.6 sans-serif;max-width:40rem;margin:1rem auto;padding:0 1rem}"
    "a.go{display:block;padding:1rem;border-radius:.75rem;background:#b3261e;color:#fff;text-align:center;"
    "text-decoration:none;font-weight:bold}article{border-top:1px solid #888;padding:.5rem 0;"
    "white-space:pre-wrap;overflow-wrap:anywhere}small{opacity:.75}"
    ".alert{border:3px solid #b3261e;padding:.5rem .75rem}"
)


class Scope(Protocol):
    """The part of an RSGI scope that is used."""

    proto: str
    method: str
    path: str


def warnings(context: Context, now_ms: int) -> list[dict[str, Any]]:
    """The alerts that everybody is to be told of now, the latest first."""
    shown = context.tower.alerts().values()
    found = [each.content for each in shown if each.warns_at(now_ms) and each.content["scope"] == "Public"]
    return found[:WARNINGS_SHOWN]


def _warning(content: dict[str, Any]) -> str:
    """An alert as it was signed, in each language it has."""
    marked = "" if content["status"] == "Actual" else "<b>[훈련 · Exercise]</b>\n"
    said = [
        "\n".join(escape(text[part]) for part in ("headline", "description", "instruction") if text.get(part))
        for text in content["texts"].values()
    ]
    at = _time(int(content["sent"]))
    head = f"<small>경보 · Alert · {escape(content['event'])} · {at}</small>\n"
    both = "\n\n".join(said)
    return f'<article class="alert">{head}{marked}{both}</article>'


def _time(ms: int) -> str:
    at = datetime.fromtimestamp(min(ms, limits.JSON_INTEGER_MAX // 10_000) / 1000, KOREA)
    return f"{at:%m-%d %H:%M}"


def page(
    site: str,
    url: str,
    battery: Battery | None,
    listed: list[Notice],
    alerts: Sequence[dict[str, Any]] = (),
) -> str:
    """The whole page, in Korean and English."""
    blocks = []
    for name, text, ms in listed:
        blocks.append(f"<article><small>{escape(name)} · {_time(ms)}</small>\n{escape(text)}</article>")
    power = ""
    if battery is not None and not battery.on_mains:
        power = f"<p>배터리 {battery.percent} % · Battery {battery.percent} %</p>"
    none = "<p>아직 공지가 없습니다. There are no notices yet.</p>"
    return (
        f'<!doctype html><html lang="ko"><head><meta charset="utf-8"><title>봉수 · {escape(site)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head><body>'
        f"<h1>봉수 · {escape(site)}</h1>{''.join(map(_warning, alerts))}"
        "<p>인터넷이 없어도 이 와이파이 안에서 이야기할 수 있습니다. "
        "You can talk on this Wi-Fi without the Internet.</p>"
        f'<p><a class="go" href="{escape(url, quote=True)}">메신저 열기 · Open the messenger</a></p>'
        "<p><small>“인터넷 없음”이라고 나오면 “연결 유지”를 고르세요. "
        "If your phone says “no Internet”, choose to stay connected.</small></p>"
        f"{power}<h2>공지 · Notices</h2>{''.join(blocks) or none}</body></html>"
    )


class PlainApp:
    """The RSGI application."""

    def __init__(
        self,
        context: Context,
        now_ms: Callable[[], int],
        site: str,
        url: str,
        power: Power,
        operators: Sequence[str] = (),
    ) -> None:
        self._context = context
        self._now_ms = now_ms
        self._operators = operators
        self._site = site
        self._url = url
        self._power = power

    async def __call__(self, scope: Scope, protocol: Any) -> None:
        """Answer one request: a probe, or the page for everything else."""
        if scope.proto != "http":
            protocol.close(400)
            return
        status, kind, body = PROBES.get(scope.path, (200, HTML, ""))
        if scope.method not in ("GET", "HEAD"):
            status, kind, body = 405, TEXT, "Only GET is answered here.\n"
        elif scope.path not in PROBES:
            listed = notices(self._context, self._operators)
            alerts = warnings(self._context, self._now_ms())
            body = page(self._site, self._url, self._power.battery, listed, alerts)
        protocol.response_bytes(status, [("content-type", kind), *_HEADERS], body.encode())
