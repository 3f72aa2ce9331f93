"""Write docs/settings.md from bongsu/config.py: .venv/bin/python -m tools.settings_page"""

from pathlib import Path

from bongsu.cli import SERVE_OPTIONS
from bongsu.config import SETTINGS
from bongsu.setting_values import ENVIRONMENT_PREFIX

PAGE = Path(__file__).parents[1] / "docs" / "settings.md"

_HEAD = """\
# Settings

Made from `bongsu/config.py` by `tools/settings_page.py`; a test compares the two.

A setting may stand in four places. The first of these that names it wins:

1. an option of the command line, for those that have one;
2. a variable of the environment;
3. the TOML file named by `--config` or `BONGSU_CONFIG`, for example `site = "north"`;
4. the default.

Settings that are unknown, out of bounds or contradict each other are refused
with a sentence that says which and why.

| setting | option | variable | unit | default | bound |
|---|---|---|---|---|---|
"""


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return "none" if value in (None, ()) else f"`{value}`"


def page() -> str:
    """The text that docs/settings.md must have."""
    rows, meanings = [], []
    for name, setting in SETTINGS.items():
        option = f"`--{name.replace('_', '-')}`" if name in SERVE_OPTIONS else "none"
        variable = f"`{ENVIRONMENT_PREFIX}{name.upper()}`"
        unit, bound = setting.metadata["unit"], setting.metadata["bound"]
        rows.append(f"| `{name}` | {option} | {variable} | {unit} | {_shown(setting.default)} | {bound} |\n")
        meanings.append(f"- `{name}`: {setting.metadata['doc']}\n")
    return _HEAD + "".join(rows) + "\n## What they mean\n\n" + "".join(meanings)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
