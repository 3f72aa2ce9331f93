"""The Gangneung drill by one command: `python -m tests.web.gangneung [--json FILE] [--html FILE]`.

A laboratory, 90 people, real browsers, and a wildfire (tests/web/gangneung.mjs)."""

import argparse
import html
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from bongsu import __version__
from bongsu.lab import commands
from bongsu.lab.plan import Plan

HERE = Path(__file__).parent
SECONDS_MAX = 560
ROWS = (
    ("people", "상황실 사람", "people in the situation room"),
    ("hours_of_talk", "대화 (시간, 타임랩스)", "hours of talk, 40 messages an hour on each side, time-lapse"),
    ("cut_for_ms", "끊긴 시간 (밀리초)", "cut for (ms)"),
    ("merged_after_ms", "다시 이어진 뒤 합계가 같아질 때까지 (밀리초)", "sums the same after (ms)"),
    ("sums", "안부 합계", "check-in sums at both sides"),
    ("unread", "안 읽은 글", "unread at both sides"),
    ("acts", "기록된 결정", "acts in the exported record"),
    ("seconds", "훈련 시간 (초)", "seconds in all"),
)


STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "table{border-collapse:collapse}td{border-bottom:1px solid #ddd;padding:.3rem 1rem .3rem 0}"
    "small{color:#555}"
)


def run(folder: Path, screenshots: Path, language: str) -> tuple[dict[str, Any], str]:
    """The figures, and what was said meanwhile. `broken` holds a sentence for everything that went wrong."""
    lab = folder / "lab"
    commands.up(lab, 1, tls=False, hubs=2)
    figures = folder / "figures.json"
    try:
        story = subprocess.run(
            ["node", str(HERE / "gangneung.mjs"), str(lab), str(screenshots), language, str(figures)],
            check=False,
            capture_output=True,
            text=True,
            timeout=SECONDS_MAX,
        )
    finally:
        # The story makes links of its own, which the plan on disk knows.
        commands.down(Plan.load(lab))
    found: dict[str, Any] = {"release": __version__, **json.loads(figures.read_text(encoding="utf-8"))}
    if story.returncode != 0 and not found["broken"]:
        found["broken"] = [story.stdout.strip().splitlines()[-1] if story.stdout else story.stderr]
    return found, story.stdout + story.stderr


def page(found: dict[str, Any]) -> str:
    """The report as one HTML file."""
    rows = "".join(
        f"<tr><td>{korean}<br><small>{english}</small></td><td>{_shown(found, name)}</td></tr>"
        for name, korean, english in ROWS
    )
    verdict = (
        "깨진 약속이 있습니다. Promises were broken."
        if found["broken"]
        else "약속은 모두 지켜졌습니다. Every promise was kept."
    )
    broken = "".join(f"<li>{html.escape(line)}</li>" for line in found["broken"])
    return f"""<!doctype html>
<html lang="ko"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>봉수 훈련: gangneung</title><style>{STYLE}</style></head><body>
<h1>강릉 훈련: 산불이 광케이블을 끊다<br><small>A wildfire cuts the fibre</small></h1>
<p><strong>{verdict}</strong></p><table>{rows}</table><ul>{broken}</ul>
<p><small>Bongsu {__version__}</small></p></body></html>
"""


def _shown(found: dict[str, Any], name: str) -> str:
    return html.escape(str(found.get(name, "-")))


def main() -> int:
    """Run it; 1 if a promise was broken."""
    parser = argparse.ArgumentParser(description="The Gangneung drill.")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--html", type=Path)
    parser.add_argument("--screenshots", type=Path, default=HERE / "screenshots")
    parser.add_argument("--language", choices=["ko", "en"], default="ko")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bongsu-gangneung-") as folder:
        found, said = run(Path(folder), asked.screenshots, asked.language)
    sys.stdout.write(said)
    if asked.json:
        asked.json.write_text(json.dumps(found, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    if asked.html:
        asked.html.write_text(page(found), encoding="utf-8")
    return 1 if found["broken"] else 0


if __name__ == "__main__":
    sys.exit(main())
