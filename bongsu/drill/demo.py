"""`make demo`: a small Korean town at three sites and two hubs whose people never stop, and fires in it."""

import io
import threading
import time
from dataclasses import dataclass
from typing import Any

import httpx
from PIL import Image, ImageDraw

from bongsu.drill import faults
from bongsu.drill.client import API
from bongsu.drill.demo_hubs import Villages
from bongsu.drill.town import PASSWORD, Api
from bongsu.errors import FatalError
from bongsu.lab.plan import Plan

PEOPLE = (("hana", "김하나"), ("duri", "이두리"), ("sena", "박세나"), ("minjun", "최민준"), ("jiu", "정지우"))
ROOMS = (
    ("상황실", ("상황 보고 시작합니다.", "북부 정수장 이상 없습니다.", "남부 배수 펌프 점검 마쳤습니다.")),
    ("우리 동네 소식", ("오늘 장터는 세 시까지예요.", "도서관 앞길이 얼었어요. 조심하세요.")),
    ("산불 감시", ("봉수대에서 연기 없습니다.", "바람이 셉니다. 2시간마다 확인합니다.")),
)
EVERY_S = 0.5
REQUEST_S = 5.0
CHECK_S = 1.0
LOST_S = 20.0  # a message that some site lacks for so long counts as lost
WIDTH, HEIGHT = 640, 400


@dataclass
class Speaker:
    """Somebody at a site who says something twice a second, and moves when the site does not answer."""

    home: str
    token: str
    room_id: str
    at: str
    number: int = 0
    silent_s: float | None = None  # how long nothing was acknowledged around the last fire


class Demo:
    """What the page shows. Its lock is held for moments only."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.api = Api(plan)
        self.villages = Villages(plan, self.api)
        self.speakers: list[Speaker] = []
        self._lock = threading.Lock()
        self._acting = threading.Lock()
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        self.burnt: dict[str, float] = {}
        self._unseen: dict[str, tuple[str, float]] = {}
        self._acknowledged = 0
        self._lost = 0

    def seed(self) -> None:
        """People with names, rooms with words and photos, and a speaker for every site."""
        sites = [node.site for node in self.plan.core]
        tokens = [self._person(name, korean) for name, korean in PEOPLE]
        for number, (name, words) in enumerate(ROOMS):
            body = {"preset": "public_chat", "name": name}
            room_id = self.api.call(sites[0], "POST", f"{API}/createRoom", tokens[0], json=body)["room_id"]
            for token in tokens[1:]:
                self.api.call(sites[0], "POST", f"{API}/join/{room_id}", token, json={})
            for turn, word in enumerate(words):
                content = {"msgtype": "m.text", "body": word}
                self._send(sites[turn % len(sites)], tokens[turn % len(tokens)], room_id, f"w{turn}", content)
            self._photo(tokens[number + 1], room_id, name)
        self.speakers = [
            Speaker(site, tokens[2 + number % 3], room_id, site) for number, site in enumerate(sites)
        ]
        self.villages.seed()

    def start(self) -> None:
        """Let people talk, and look for what they said at every site."""
        self._threads = [threading.Thread(target=self._talk, args=(each,)) for each in self.speakers]
        self._threads.append(threading.Thread(target=self._look))
        self._threads.append(threading.Thread(target=self.villages.talk, args=(self._stop,)))
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Returns when nobody talks any more."""
        self._stop.set()
        for thread in self._threads:
            thread.join()
        self.api.close()

    def burn(self, site: str) -> None:
        """Kill everything at a site.

        Raises:
            FatalError: there is no such site, or it is the last one.
        """
        with self._acting:
            alive = [node.site for node in self.plan.core if node.site not in self.burnt]
            if site not in alive or len(alive) == 1:
                raise FatalError(
                    "이 사이트는 태울 수 없습니다. This site cannot be burnt: it is gone, or the last."
                )
            self.burnt[site] = time.monotonic()
            for each in self.speakers:
                each.silent_s = None
            faults.act(self.plan, "burn", site)

    def revive(self, site: str) -> None:
        """Start what was burnt.

        Raises:
            FatalError: it does not burn, or does not start.
        """
        with self._acting:
            if site not in self.burnt:
                raise FatalError("이 사이트는 타지 않았습니다. This site was not burnt.")
            faults.act(self.plan, "revive", site)
            del self.burnt[site]

    def state(self) -> dict[str, Any]:
        """All of it, as the page asks every second."""
        with self._lock:
            struck = [each for each in self.speakers if each.home in self.burnt]
            return {
                "acknowledged": self._acknowledged,
                "lost": self._lost,
                "checking": len(self._unseen),
                "sites": [
                    {"name": node.site, "url": node.url, "burnt": node.site in self.burnt}
                    for node in self.plan.core
                ],
                "hubs": self.villages.state(),
                "speakers": [{"home": each.home, "at": each.at} for each in self.speakers],
                "recovered": bool(struck) and all(each.silent_s is not None for each in struck),
                "recovery_s": max((each.silent_s or 0.0 for each in struck), default=0.0),
            }

    def _person(self, name: str, korean: str) -> str:
        site = self.plan.core[0].site
        body = {"username": name, "password": PASSWORD, "auth": {"type": "m.login.dummy"}}
        account = self.api.call(site, "POST", f"{API}/register", json=body)
        token = str(account["access_token"])
        path = f"{API}/profile/{account['user_id']}/displayname"
        self.api.call(site, "PUT", path, token, json={"displayname": korean})
        return token

    def _send(self, site: str, token: str, room_id: str, txn_id: str, content: dict[str, Any]) -> str:
        path = f"{API}/rooms/{room_id}/send/m.room.message/{txn_id}"
        answer = self.api.call(site, "PUT", path, token, json=content, timeout=REQUEST_S)
        return str(answer["event_id"])

    def _photo(self, token: str, room_id: str, words: str) -> None:
        site, picture = self.plan.core[0].site, _picture(words)
        path = "/_matrix/media/v3/upload"
        uri = self.api.call(site, "POST", path, token, content=picture, params={"filename": "photo.png"})
        info = {"mimetype": "image/png", "w": WIDTH, "h": HEIGHT, "size": len(picture)}
        content = {"msgtype": "m.image", "body": "photo.png", "url": uri["content_uri"], "info": info}
        self._send(site, token, room_id, "photo", content)

    def _talk(self, speaker: Speaker) -> None:
        sites = [node.site for node in self.plan.core]
        last_s = time.monotonic()
        while not self._stop.wait(EVERY_S):
            speaker.number += 1
            content = {"msgtype": "m.text", "body": f"{speaker.home} 사이트에서 {speaker.number}번째 말"}
            txn_id = f"s{speaker.home}{speaker.number}"
            while not self._stop.is_set():
                try:
                    # The same transaction id wherever it is tried again: it is shown once.
                    event_id = self._send(speaker.at, speaker.token, speaker.room_id, txn_id, content)
                except httpx.HTTPError:
                    speaker.at = sites[(sites.index(speaker.at) + 1) % len(sites)]
                    continue
                now_s = time.monotonic()
                self._acked(speaker, event_id, last_s, now_s)
                last_s = now_s
                break

    def _acked(self, speaker: Speaker, event_id: str, last_s: float, now_s: float) -> None:
        with self._lock:
            self._acknowledged += 1
            self._unseen[event_id] = (speaker.room_id, now_s)
            fire_s = self.burnt.get(speaker.home)
            if fire_s is not None and speaker.silent_s is None and now_s > fire_s:
                speaker.silent_s = now_s - min(last_s, fire_s)

    def _look(self) -> None:
        """Whatever was acknowledged has to be in the history of every site that lives."""
        while not self._stop.wait(CHECK_S):
            with self._lock:
                wanted = dict(self._unseen)
            alive = [node.site for node in self.plan.core if node.site not in self.burnt]
            try:
                held = [self._history(site) for site in alive]
            except httpx.HTTPError:
                continue  # it burns at this moment
            seen = set.intersection(*held) if held else set()
            now_s = time.monotonic()
            with self._lock:
                for event_id, (_, at_s) in wanted.items():
                    if event_id in seen:
                        del self._unseen[event_id]
                    elif now_s - at_s > LOST_S:
                        del self._unseen[event_id]
                        self._lost += 1

    def _history(self, site: str) -> set[str]:
        speaker = self.speakers[0]
        path = f"{API}/rooms/{speaker.room_id}/messages"
        answer = self.api.call(site, "GET", path, speaker.token, params={"dir": "b", "limit": "500"})
        return {event["event_id"] for event in answer["chunk"]}


def _picture(words: str) -> bytes:
    """A hill with a beacon fire, a little different for every room."""
    image = Image.new("RGB", (WIDTH, HEIGHT), (28, 36, 64))
    draw = ImageDraw.Draw(image)
    top = 120 + sum(map(ord, words)) % 80
    draw.polygon([(0, HEIGHT), (WIDTH // 2, top), (WIDTH, HEIGHT)], fill=(40, 64, 48))
    for ring in range(5):
        size = 60 - 12 * ring
        centre = (WIDTH // 2 - size, top - 10 - size, WIDTH // 2 + size, top - 10 + size)
        draw.ellipse(centre, fill=(200 + 10 * ring, 70 + 40 * ring, 30))
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()
