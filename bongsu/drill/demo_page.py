"""The page of `bongsu demo`, on loopback: burn a site, cut the hubs off, see who waits and what is lost."""

import json
import secrets
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from bongsu.drill.demo import PEOPLE, Demo
from bongsu.drill.town import PASSWORD
from bongsu.errors import FatalError

PAGE = """<!doctype html><html lang="ko"><head><meta charset="utf-8"><title>봉수 시연 · Bongsu demo</title>
<meta name="viewport" content="width=device-width"><style>
body{font:17px/1.5 system-ui,sans-serif;max-width:56rem;margin:2rem auto;padding:0 1rem;color:#1c2440}
.sites{display:flex;gap:1rem;flex-wrap:wrap}
.site{border:2px solid #15803d;border-radius:.6rem;padding:1rem;flex:1}
.site.burnt{border-color:#b91c1c;background:#fef2f2}
button{font:inherit;padding:.5rem 1rem;border:0;border-radius:.4rem;cursor:pointer}
button{background:#b91c1c;color:#fff}
.burnt button{background:#15803d}
.big{font-size:3rem;font-weight:700}
.row{display:flex;gap:3rem;flex-wrap:wrap;margin:1.5rem 0}
small{color:#4b5563;display:block}
code{font-size:1rem}
</style></head><body><h1>데이터센터 세 곳, 메신저 하나<small>Three data centres, one messenger</small></h1>
<p>세 곳에서 사람들이 쉬지 않고 이야기합니다. 한 곳을 태워 보세요.
<small>People talk at all three without end. Burn one.</small></p>
<div class="sites" id="sites"></div>
<div class="row"><div><span class="big" id="recovery">0</span><small>
불난 곳 사람들이 기다린 시간 · how long the burnt site's people waited</small></div>
<div><span class="big" id="lost">0</span><small>잃은 메시지 ·
messages lost</small></div>
<div><span class="big" id="acknowledged">0</span><small>확인된 메시지 · acknowledged</small></div>
</div>
<h2>거점 두 곳<small>Two hubs in two villages</small></h2>
<p>데이터센터로 가는 선을 끊어도 마을마다 이야기는 이어집니다. 전령을 보내 보세요.
<small>Cut the fibre: each village talks on. Send a courier, then mend it.</small></p>
<div class="sites" id="hubs"></div>
<p><button id="cut">광케이블 끊기 Cut the fibre</button> <button id="walk">전령 보내기 Send a courier</button>
<button id="mend">다시 잇기 Mend it</button></p>
<p id="said" role="status"></p>
<h2>직접 해 보기<small>Try it yourself</small></h2>
<p>LINKS<small>비밀번호 · password: <code>PASSWORD</code></small></p>
<script>
const token = "TOKEN", $ = (id) => document.getElementById(id);
async function act(what, site) {
  const answer = await fetch(`/${what}?site=${site}`, {method: "POST", headers: {"X-Demo": token}});
  $("said").textContent = answer.ok ? "" : await answer.text();
}
async function look() {
  try {
    const state = await (await fetch("/state")).json();
    $("lost").textContent = state.lost; $("acknowledged").textContent = state.acknowledged;
    const burning = state.sites.some((site) => site.burnt);
    if (burning) $("recovery").textContent = state.recovered ? state.recovery_s.toFixed(1) + " s" : "…";
    $("hubs").replaceChildren(...state.hubs.map((hub) => {
      const box = document.createElement("div");
      box.className = hub.cut ? "site burnt" : "site";
      const head = `${hub.name.toUpperCase()} · ${hub.cut ? "끊김 cut off" : "이어짐 linked"}`;
      box.append(head, document.createElement("br"),
        `여기서 한 말 said here: ${hub.said}`, document.createElement("br"),
        `아직 못 받은 말 not here yet: ${hub.missing}`);
      return box;
    }));
    $("sites").replaceChildren(...state.sites.map((site) => {
      const box = document.createElement("div"), button = document.createElement("button");
      const here = state.speakers.filter((one) => one.at === site.name).length;
      box.className = site.burnt ? "site burnt" : "site";
      box.textContent = `${site.name.toUpperCase()} · ${site.burnt ? "불탔음 burnt" : here + "명 people"} `;
      button.textContent = site.burnt ? "다시 켜기 Bring it back" : "이 사이트 태우기 Burn this site";
      button.onclick = () => { button.disabled = true; act(site.burnt ? "revive" : "burn", site.name); };
      box.append(document.createElement("br"), button); return box;
    }));
  } catch { $("said").textContent = "시연이 끝났습니다. The demo has ended."; }
}
for (const what of ["cut", "walk", "mend"]) $(what).onclick = () => act(what, "");
look(); setInterval(look, 1000);
</script></body></html>
"""


def server(demo: Demo) -> ThreadingHTTPServer:
    """The page's server, on a free port of loopback; its caller runs it."""
    token = secrets.token_urlsafe(16)
    acts: dict[str, Callable[[str], None]] = {
        "/burn": demo.burn,
        "/revive": demo.revive,
        "/cut": demo.villages.cut_fibre,
        "/mend": demo.villages.mend_fibre,
        "/walk": demo.villages.walk,
    }

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/state":
                self._answer(200, "application/json", json.dumps(demo.state()))
            elif self.path == "/":
                self._answer(200, "text/html; charset=utf-8", _page(demo, token))
            else:
                self._answer(404, "text/plain; charset=utf-8", "There is / and /state.\n")

        def do_POST(self) -> None:
            address = urlsplit(self.path)
            act = acts.get(address.path)
            # Another site's page in the same browser does not know the token.
            if act is None or self.headers.get("X-Demo") != token:
                return self._answer(403, "text/plain; charset=utf-8", "Use the buttons of the page.\n")
            try:
                act(parse_qs(address.query).get("site", [""])[0])
            except FatalError as error:
                return self._answer(409, "text/plain; charset=utf-8", f"{error}\n")
            self._answer(200, "application/json", json.dumps(demo.state()))

        def _answer(self, status: int, kind: str, body: str) -> None:
            raw = body.encode()
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(raw)))
            self.send_header("Cache-Control", "no-store")
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, format: str, *arguments: object) -> None:
            """Requests of the page are no news."""

    return ThreadingHTTPServer(("127.0.0.1", 0), Handler)


def _page(demo: Demo, token: str) -> str:
    links = " ".join(
        f'<a href="{node.url}" target="_blank">{korean} ({name}) · {node.site.upper()}</a><br>'
        for (name, korean), node in zip(PEOPLE, demo.plan.core[:2], strict=False)
    )
    return PAGE.replace("LINKS", links).replace("PASSWORD", PASSWORD).replace("TOKEN", token)
