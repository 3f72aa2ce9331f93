"""A drill's report: the figures as JSON, and a page with a picture of what clients saw, without a script."""

import html
from typing import Any

from bongsu import __version__
from bongsu.drill import report_merge
from bongsu.drill.check import percentile
from bongsu.drill.run import Outcome

WIDTH, HEIGHT, LEFT, BOTTOM = 900, 240, 46, 24
STEP_S = 0.5
COLOURS = ("#c2410c", "#1d4ed8", "#15803d", "#7e22ce", "#0f766e")


def figures(outcome: Outcome) -> dict[str, Any]:
    """What was measured. Times in seconds but where the name says otherwise; None: nothing to measure."""
    found, merge = outcome.findings, outcome.merge
    return {
        "drill": outcome.plan.name,
        "release": __version__,
        "seconds": outcome.seconds,
        "clients": found.people,
        "acknowledged": found.acknowledged,
        "held_here": found.held_here,
        "held_here_burnt": len(found.burnt),
        "lost": len(found.lost),
        "gaps": len(found.gaps),
        "duplicates": len(found.duplicates),
        "reordered": len(found.reordered),
        "held_here_late": len(found.late),
        "limited_timelines": found.limited,
        "moves": found.moves,
        "struck_clients": len(found.struck_s),
        "struck_p50_s": percentile(found.struck_s, 0.50),
        "struck_p95_s": percentile(found.struck_s, 0.95),
        "struck_p99_s": percentile(found.struck_s, 0.99),
        "spared_wait_p50_s": percentile(found.spared_s, 0.50),
        "spared_wait_p99_s": percentile(found.spared_s, 0.99),
        "send_p50_ms": percentile(found.latency_ms, 0.50),
        "send_p99_ms": percentile(found.latency_ms, 0.99),
        "logins": len(outcome.logins_s),
        "login_p99_s": percentile(outcome.logins_s, 0.99),
        "sites_agreed_after_s": outcome.agreed_s,
        "digests_differ": len(outcome.differing),
        # How often what somebody carried between hubs was seen; None: nobody walks in this drill.
        "carried": outcome.carried,
        **({} if merge is None else report_merge.figures(merge)),
        # What of the drill could not be done; the rest is what was counted until then.
        "failed": outcome.failed,
        "happened": [[round(at, 3), act, target] for at, act, target in outcome.happened],
        "broken": [
            *found.lost[:20],
            *found.gaps[:20],
            *found.duplicates[:20],
            *found.reordered[:20],
            *outcome.differing[:20],
            *([] if merge is None else merge.wrong[:20]),
            *(["Nobody saw anything that was carried."] if outcome.carried == 0 else []),
        ],
    }


# name of the figure: (Korean, English, what it must be, a test of that)
ROWS: tuple[tuple[str, str, str, str], ...] = (
    ("acknowledged", "확인된 메시지", "acknowledged messages", ""),
    ("held_here", "그중 한 곳에만 있다고 알린 것", "of these told as held at one site alone", ""),
    ("held_here_burnt", "그중 그곳과 함께 사라진 것", "of those gone with that site", ""),
    ("lost", "잃은 메시지", "lost", "0"),
    ("gaps", "빠진 전달", "gaps", "0"),
    ("duplicates", "중복 전달", "duplicates", "0"),
    ("reordered", "순서가 바뀐 전달", "reordered", "0"),
    ("held_here_late", "한 곳에만 있다가 뒤늦게 온 전달", "of what one site alone had, shown late", ""),
    ("struck_p95_s", "재난 지역 이용자의 공백 p95 (초)", "clients of the struck site, p95 (s)", "≤ 5"),
    ("struck_p99_s", "재난 지역 이용자의 공백 p99 (초)", "clients of the struck site, p99 (s)", "≤ 10"),
    ("spared_wait_p99_s", "다른 지역 이용자의 기다림 p99 (초)", "others' longest wait, p99 (s)", "≤ 1"),
    ("send_p50_ms", "보내기 p50 (밀리초)", "send p50 (ms)", "≤ 10"),
    ("send_p99_ms", "보내기 p99 (밀리초)", "send p99 (ms)", "≤ 50"),
    ("login_p99_s", "몰린 로그인 p99 (초)", "log-ins in a storm, p99 (s)", ""),
    ("digests_differ", "사이트마다 다른 기록", "scopes not the same at all sites", "0"),
    ("carried", "사람이 날라 온 것을 본 횟수", "sights of what somebody carried", ""),
    ("sites_agreed_after_s", "모든 곳의 기록이 같아진 때 (초)", "all sites told the same after (s)", "≤ 5"),
)


def missed(found: dict[str, Any]) -> list[tuple[str, str]]:
    """The figures that are not what they must be, in Korean and English."""
    return [
        (korean, english)
        for name, korean, english, must in (*ROWS, *report_merge.ROWS)
        if must.startswith("≤") and (found.get(name) or 0) > float(must.removeprefix("≤"))
    ]


def page(outcome: Outcome) -> str:
    """The report as one HTML file."""
    found, merge = figures(outcome), outcome.merge
    rows = "".join(
        f"<tr><td>{korean}<br><small>{english}</small></td><td>{_shown(found[name])}</td><td>{must}</td></tr>"
        for name, korean, english, must in (*ROWS, *(() if merge is None else report_merge.ROWS))
    )
    verdict = outcome.kept
    words = _words(outcome)
    lapse = "" if merge is None else "<p>{}<br><small>{}</small></p>".format(*report_merge.words(merge))
    broken = "".join(f"<li>{html.escape(line)}</li>" for line in (*found["failed"], *found["broken"]))
    return f"""<!doctype html>
<html lang="ko"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>봉수 훈련: {outcome.plan.name}</title>
<style>body{{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}}
table{{border-collapse:collapse}}td{{border-bottom:1px solid #ddd;padding:.3rem 1rem .3rem 0}}
small{{color:#555}}svg{{max-width:100%;height:auto}}.good{{color:#15803d}}.bad{{color:#b91c1c}}</style></head><body>
<h1>{outcome.plan.korean}<br><small>{outcome.plan.english}</small></h1>
<p class="{"good" if verdict else "bad"}"><strong>{words[0]}</strong> {words[1]}</p>
{lapse}{_picture(outcome)}
<table>{rows}</table><ul>{broken}</ul>
<p><small>{found["clients"]} clients, {outcome.seconds:.0f} s, Bongsu {__version__}</small></p>
</body></html>
"""


def _words(outcome: Outcome) -> tuple[str, str]:
    """What came of it, in Korean and English."""
    if outcome.failed:
        return (
            "훈련이 중간에 멈췄습니다. 아래는 그때까지 센 것입니다.",
            "The drill stopped half way. Below is what was counted until then.",
        )
    if outcome.kept:
        late = missed(figures(outcome))
        korean, english = (", ".join(each) for each in zip(*late, strict=True)) if late else ("", "")
        return (
            "약속은 모두 지켜졌습니다." + (f" 목표를 넘은 것: {korean}." if late else ""),
            "Every promise was kept." + (f" Not within its bound: {english}." if late else ""),
        )
    return "깨진 약속이 있습니다.", "Promises were broken."


def _shown(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, dict):
        return ", ".join(f"{name} {of_it}" for name, of_it in value.items()) or "-"
    return f"{value:.2f}" if isinstance(value, float) else str(value)


def _picture(outcome: Outcome) -> str:
    """Acknowledged messages a second over time, a line for each home site; a fault is a vertical line."""
    counts: dict[str, list[int]] = {}
    steps = int(outcome.seconds / STEP_S) + 1
    for person in outcome.people:
        if not person.get("writes", True):
            continue  # in time-lapse
        line = counts.setdefault(person["home"], [0] * steps)
        for sent in person["sent"]:
            at = int(sent[2] / STEP_S)
            if 0 <= at < steps:
                line[at] += 1
    most = max((max(line) for line in counts.values()), default=1) or 1

    def x(seconds: float) -> float:
        return LEFT + seconds / outcome.seconds * (WIDTH - LEFT)

    def y(count: float) -> float:
        return (HEIGHT - BOTTOM) * (1 - count / most)

    parts = [f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="messages a second over time">']
    parts += [
        f'<text x="{x(second):.0f}" y="{HEIGHT - 6}" font-size="12">{second} s</text>'
        for second in range(0, int(outcome.seconds) + 1, 5)
    ]
    parts.append(f'<text x="0" y="12" font-size="12">{most / STEP_S:.0f}/s</text>')
    lines = sorted(counts.items())
    for number, (home, line) in enumerate(lines):
        colour = COLOURS[number % len(COLOURS)]
        points = " ".join(f"{x(i * STEP_S):.1f},{y(count):.1f}" for i, count in enumerate(line))
        parts.append(f'<polyline fill="none" stroke="{colour}" stroke-width="2" points="{points}"/>')
        parts.append(
            f'<text x="{WIDTH - 20}" y="{16 * (number + 1)}" font-size="14" fill="{colour}">{home}</text>'
        )
    for moment, act, target in outcome.happened:
        if not act.endswith(" done"):
            parts.append(f'<line x1="{x(moment):.1f}" x2="{x(moment):.1f}" y1="0" y2="216" stroke="#111"/>')
            words = html.escape(f"{act} {target}")
            parts.append(f'<text x="{x(moment) + 4:.1f}" y="14" font-size="12">{words}</text>')
    return "".join([*parts, "</svg>"])
