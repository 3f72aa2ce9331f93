"""A story that tests/web tells a browser, and what the stories share."""

import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent
SCREENSHOTS = HERE / "screenshots"
SECONDS_MAX = 300
# Both languages and both widths in two runs; the other two, and their screenshots, are in `make test-long`.
PHONE_AND_PC = [
    ("ko", 360),
    ("en", 1280),
    *(pytest.param(*each, marks=pytest.mark.long) for each in (("ko", 1280), ("en", 360))),
]


def tell(script: str, *arguments: str) -> None:
    story = subprocess.run(
        ["node", str(HERE / script), *arguments],
        check=False,
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
    )
    # Shown by pytest with what fails, and of what passes by -rP: each step with its time.
    print(story.stdout)
    assert story.returncode == 0, story.stdout + story.stderr
