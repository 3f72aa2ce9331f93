"""What the command line takes and refuses; the commands' work is tested where it is done."""

import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import bongsu
from bongsu.cli import main


def run(*arguments: str, environment: dict[str, str] | None = None) -> Result:
    return CliRunner().invoke(main, arguments, env=environment)


def test_serve_takes_the_options_that_scripts_rely_on() -> None:
    answer = run("serve", "--help")
    for option in (
        *("--config FILE", "--data DIR", "--listen HOST:PORT", "--server-name NAME", "--site NAME"),
        *("--role core|hub", "--registration open|token|closed", "--rate-limits on|off", "--public-url URL"),
    ):
        assert option in answer.output


@pytest.mark.parametrize(
    "command",
    [
        "serve",
        "verify",
        "rebuild",
        "user add",
        "user list",
        "user deactivate",
        "user reset-password",
        "token create",
        "site request",
        "site add-hub",
        "site install",
        "site list",
        "hub init",
        "hub residents add",
        "hub residents remove",
        "hub residents list",
        "site cuts",
        "site revoke",
        "site hand-in",
    ],
)
def test_every_command_explains_itself(command: str) -> None:
    answer = run(*command.split(), "--help")
    assert answer.exit_code == 0
    assert "--data DIR" in answer.output


def test_a_refused_setting_is_a_sentence_and_no_trace() -> None:
    answer = run("serve", "--role", "hub")
    assert answer.exit_code == 1
    assert answer.output.startswith(
        "Error: The setting role is hub, but a hub belongs to a service with a root key."
    )
    assert run("verify", environment={"BONGSU_LISTEN": "nowhere"}).output.startswith(
        "Error: The setting listen is"
    )


def test_an_unknown_option_is_refused() -> None:
    answer = run("serve", "--workers", "4")
    assert answer.exit_code == 2
    assert "No such option" in answer.output


def test_version() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))
    assert run("--version").output == f"bongsu {bongsu.__version__}\n"
    assert bongsu.__version__ == project["project"]["version"]
