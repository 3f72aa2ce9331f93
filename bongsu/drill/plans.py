"""The plans of drills: what happens to a laboratory, and when. Times are seconds of load."""

from collections.abc import Iterator
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Step:
    """At `at_s`, do `act` to `target` (a site, or "" for all)."""

    at_s: float
    act: str
    target: str = ""


@dataclass(frozen=True, slots=True)
class DrillPlan:
    """A drill. `struck`: sites whose clients the first fault befalls; `gone`: sites not there at the end."""

    name: str
    korean: str
    english: str
    seconds: float
    steps: tuple[Step, ...]
    struck: tuple[str, ...]
    gone: tuple[str, ...] = ()
    hubs: int = 0
    # How long people stay elsewhere before they try their home again; None: for good.
    home_after_s: float | None = None
    # Of talk that both sides of a cut write in time-lapse: the step "talk", then "merge" waits for all of it.
    hours: int = 0
    # The steps come again after so long, for as long as there is load; None: once.
    repeat_s: float | None = None
    # With fewer, what is drilled does not happen, and nothing would be wrong.
    people_min: int = 6

    def steps_within(self, seconds: float) -> Iterator[Step]:
        """The steps of a drill that lasts so long; a round that would not end in time is left out."""
        yield from self.steps
        if self.repeat_s is None:
            return
        begun_s = self.repeat_s
        while begun_s + self.seconds <= seconds:
            for step in self.steps:
                yield replace(step, at_s=step.at_s + begun_s)
            begun_s += self.repeat_s

    @property
    def needs_namespaces(self) -> bool:
        """Whether links are cut."""
        return any(step.act in ("cut", "cut-one-way") for step in self.steps)

    @property
    def fault_s(self) -> float | None:
        """When the first fault comes."""
        return self.steps[0].at_s if self.steps else None


PLANS = {
    plan.name: plan
    for plan in (
        DrillPlan(
            "site-kill",
            "데이터센터 하나가 갑자기 꺼진다.",
            "One data centre goes dark in a moment.",
            30,
            (Step(10, "burn", "a"),),
            ("a",),
            ("a",),
        ),
        DrillPlan(
            "site-disk-destroyed",
            "데이터센터 하나가 타고 디스크도 함께 사라진다.",
            "One data centre burns, and its disks with it.",
            30,
            (Step(10, "destroy", "a"),),
            ("a",),
            ("a",),
        ),
        DrillPlan(
            "site-returns",
            "데이터센터 하나가 꺼졌다가 돌아온다.",
            "One data centre goes dark and comes back.",
            40,
            (Step(10, "burn", "a"), Step(22, "revive", "a")),
            ("a",),
        ),
        DrillPlan(
            "site-disk-damaged",
            "데이터센터 하나가 꺼지고 디스크가 상한 채 돌아온다.",
            "One data centre goes dark, and comes back with half of its log damaged.",
            40,
            (Step(10, "damage", "a"), Step(16, "revive", "a")),
            ("a",),
        ),
        DrillPlan(
            "all-power",
            "모든 곳의 전원이 한꺼번에 나갔다가 돌아온다.",
            "Every process everywhere is killed at once, then started again.",
            40,
            (Step(10, "burn", ""), Step(14, "revive", "")),
            ("a", "b", "c"),
        ),
        DrillPlan(
            "process-pause",
            "한 곳의 서버가 멈췄다가 다시 움직인다.",
            "One site's processes hang, and go on later.",
            40,
            (Step(10, "pause", "a"), Step(22, "resume", "a")),
            ("a",),
        ),
        DrillPlan(
            "fabric-wiped",
            "NATS가 가진 것을 모두 잃는다.",
            "NATS loses everything it holds.",
            30,
            (Step(10, "wipe", ""),),
            (),
        ),
        DrillPlan(
            "rolling-upgrade",
            "서버를 하나씩 차례로 다시 시작한다.",
            "The nodes are restarted one after the other.",
            40,
            (Step(8, "restart", "a"), Step(16, "restart", "b"), Step(24, "restart", "c")),
            ("a",),
        ),
        DrillPlan(
            "partition-minority",
            "한 곳이 다른 곳들과 끊겼다가 다시 이어진다.",
            "One site is cut off from the others, and linked again.",
            45,
            (Step(10, "cut", "a"), Step(25, "heal", "a")),
            (),
        ),
        DrillPlan(
            "asymmetric-link",
            "한 곳의 말이 다른 곳에 닿지 않는다.",
            "One site hears the others, but they do not hear it.",
            45,
            (Step(10, "cut-one-way", "a"), Step(25, "heal", "a")),
            (),
        ),
        DrillPlan(
            "slow-disk",
            "한 곳의 디스크가 몹시 느려졌다가 나아진다.",
            "One site's disk becomes very slow, and recovers.",
            40,
            (Step(10, "slow disk", "a"), Step(25, "quick disk", "a")),
            (),
        ),
        DrillPlan(
            "disk-full",
            "한 곳의 디스크가 가득 찼다가 비워진다.",
            "One site's disk fills up, and is emptied.",
            50,
            (Step(4, "small disk", "a"), Step(16, "fill disk", "a"), Step(32, "empty disk", "a")),
            ("a",),
        ),
        DrillPlan(
            "clock-jump",
            "한 곳의 시계가 세 시간 앞으로, 이틀 뒤로 뛴다.",
            "One site's clock jumps three hours ahead, then two days back.",
            50,
            (
                Step(4, "fake clock", "a"),
                Step(14, "clock ahead", "a"),
                Step(24, "clock behind", "a"),
                Step(36, "clock right", "a"),
            ),
            ("a",),
        ),
        DrillPlan(
            "hostile-site",
            "한 곳의 서버와 열쇠가 도난당해 거짓을 쓰고, 뿌리 열쇠가 그곳을 끊는다.",
            "One site is stolen with its key and writes lies, until the root key shuts it out.",
            45,
            (Step(8, "steal", "c"), Step(22, "revoke", "c")),
            ("c",),
            ("c",),
        ),
        DrillPlan(
            "sites-in-turn",
            "데이터센터가 차례로 꺼졌다 돌아오고, 한 곳은 디스크가 상한다. 오래 되풀이할 수 있다.",
            "Data centres go dark in turn and come back, one with a damaged disk; again and again.",
            70,
            (
                Step(8, "burn", "a"),
                Step(15, "revive", "a"),
                Step(27, "damage", "b"),
                Step(34, "revive", "b"),
                Step(46, "burn", "c"),
                Step(53, "revive", "c"),
            ),
            ("a",),
            repeat_s=57,
            home_after_s=6,
        ),
        DrillPlan(
            "bad-deploy",
            "한 곳에 먼저 나쁜 새 버전이 깔린다. 보여 줄 것을 망치거나 오류를 내고, 스스로 빠진다.",
            "One site gets a bad new version first, which spoils what it shows, or fails. It withdraws.",
            75,
            (
                Step(6, "deploy corrupting", "a"),
                Step(8, "must withdraw", "a"),
                Step(34, "roll back", "a"),
                Step(40, "deploy erring", "b"),
                Step(42, "must withdraw", "b"),
                Step(66, "roll back", "b"),
            ),
            ("a",),
            home_after_s=4,
            # A node withdraws only when requests of several of its people fail (WATCH_FAILED_MIN).
            people_min=24,
        ),
        DrillPlan(
            "login-storm",
            "한 곳이 꺼지고, 모두가 한꺼번에 다시 로그인한다.",
            "One site goes dark, and everybody logs in again at once.",
            40,
            (Step(10, "burn", "a"), Step(14, "login-storm", "")),
            ("a",),
            ("a",),
        ),
        DrillPlan(
            "quake-surge",
            "지진: 모두가 열 배로 말한다.",
            "An earthquake: everybody writes ten times as much.",
            60,
            (Step(10, "surge", "10"), Step(40, "surge", "1")),
            (),
        ),
        DrillPlan(
            "inventory",
            "구성 요소를 하나씩 없애 본다.",
            "Each component is taken away once, and brought back.",
            70,
            tuple(
                step
                for number, name in enumerate(("nats-a", "a", "nats-b", "b", "nats-c", "c"))
                for step in (Step(5 + 10 * number, "remove", name), Step(10 + 10 * number, "revive", ""))
            ),
            (),
        ),
        DrillPlan(
            "hub-cut",
            "거점이 모두 끊기고, 센터와 거점마다 열두 시간 동안 대화가 이어진다. 나중에 합쳐진다.",
            "Every hub is cut off: for twelve hours the core and each hub go on talking, then all merges.",
            35,
            (Step(10, "hubs-cut"), Step(14, "talk"), Step(16, "hubs-back"), Step(20, "merge")),
            ("h1", "h2"),
            hubs=2,
            hours=12,
        ),
        DrillPlan(
            "courier-only",
            "거점이 모두 끊기고, 사람이 거점 사이로 봉인된 파일을 나른다. 나중에 합쳐진다.",
            "Every hub is cut off, and somebody carries sealed files between them; links return later.",
            60,
            (Step(10, "hubs-alone"), Step(18, "courier"), Step(28, "courier"), Step(40, "hubs-back")),
            ("h1", "h2"),
            hubs=2,
        ),
        DrillPlan(
            "hub-amnesia",
            "거점 하나가 오래된 디스크 사본으로 돌아온다.",
            "A hub comes back with an old copy of its disk.",
            50,
            (Step(6, "image", "h1"), Step(25, "amnesia", "h1")),
            ("h1",),
            hubs=2,
        ),
        DrillPlan("calm", "아무 일도 없다.", "Nothing happens.", 20, (), ()),
    )
}
