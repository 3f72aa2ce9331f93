"""Plain HTTP on a hub's Wi-Fi: what phones ask to judge a network, and the notices, without a script.

A page over plain HTTP can keep no keys, so nobody logs in here; it says where the service is."""

from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from html import escape
from typing import Any, Protocol

from bongsu import limits
from bongsu.hub.board import notices
from bongsu.hub.energy import Battery
from bongsu.hub.power import Power
from bongsu.view.context import Context

HTML = "text/html; charset=utf-8"
TEXT = "text/plain; charset=utf-8"
KOREA = timezone(timedelta(hours=9))

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
)


class Scope(Protocol):
    """The part of an RSGI scope that is used."""

    proto: str
    method: str
    path: str


def page(site: str, url: str, battery: Battery | None, listed: list[tuple[str, str, int]]) -> str:
    """The whole page, in Korean and English."""
    blocks = []
    for name, text, ms in listed:
        at = datetime.fromtimestamp(min(ms, limits.JSON_INTEGER_MAX // 10_000) / 1000, KOREA)
        blocks.append(f"<article><small>{escape(name)} · {at:%m-%d %H:%M}</small>\n{escape(text)}</article>")
    power = ""
    if battery is not None and not battery.on_mains:
        power = f"<p>배터리 {battery.percent} % · Battery {battery.percent} %</p>"
    none = "<p>아직 공지가 없습니다. There are no notices yet.</p>"
    return (
        f'<!doctype html><html lang="ko"><head><meta charset="utf-8"><title>봉수 · {escape(site)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head><body>'
        f"<h1>봉수 · {escape(site)}</h1><p>인터넷이 없어도 이 와이파이 안에서 이야기할 수 있습니다. "
        "You can talk on this Wi-Fi without the Internet.</p>"
        f'<p><a class="go" href="{escape(url, quote=True)}">메신저 열기 · Open the messenger</a></p>'
        "<p><small>“인터넷 없음”이라고 나오면 “연결 유지”를 고르세요. "
        "If your phone says “no Internet”, choose to stay connected.</small></p>"
        f"{power}<h2>공지 · Notices</h2>{''.join(blocks) or none}</body></html>"
    )


class PlainApp:
    """The RSGI application."""

    def __init__(
        self, context: Context, site: str, url: str, power: Power, operators: Sequence[str] = ()
    ) -> None:
        self._context = context
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
            body = page(self._site, self._url, self._power.battery, notices(self._context, self._operators))
        protocol.response_bytes(status, [("content-type", kind), *_HEADERS], body.encode())
