"""The command line: parse, call, print. What the commands do is in `serve` and `offline`."""

import functools
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

import bongsu
from bongsu import config as settings
from bongsu.config import Config, SettingError
from bongsu.errors import FatalError, MatrixError

# The options of `serve` are a contract that other people's scripts rely on.
SERVE_OPTIONS = {
    "data": "DIR",
    "listen": "HOST:PORT",
    "server_name": "NAME",
    "site": "NAME",
    "role": "core|hub",
    "registration": "open|token|closed",
    "rate_limits": "on|off",
    "public_url": "URL",
}
OFFLINE_OPTIONS = {"data": "DIR", "server_name": "NAME"}

Command = Callable[..., Any]


def _with_settings(metavars: dict[str, str]) -> Callable[[Command], Command]:
    """Add --config and an option for each setting named, and hand the command a checked Config."""

    def decorate(command: Command) -> Command:
        @functools.wraps(command)
        def call(config: Path | None, **arguments: Any) -> None:
            chosen = {name: arguments.pop(name) for name in metavars}
            try:
                command(settings.load(chosen, file=config), **arguments)
            except (SettingError, FatalError) as error:
                raise click.ClickException(str(error)) from error
            except MatrixError as error:
                raise click.ClickException(error.error) from error

        decorated: Command = call
        for name, metavar in reversed(metavars.items()):
            doc = settings.SETTINGS[name].metadata["doc"].replace("`", "")
            decorated = click.option("--" + name.replace("_", "-"), metavar=metavar, help=doc)(decorated)
        file = click.Path(path_type=Path, dir_okay=False)
        return click.option("--config", type=file, metavar="FILE", help="A TOML file of settings.")(decorated)

    return decorate


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(bongsu.__version__, prog_name="bongsu", message="%(prog)s %(version)s")
def main() -> None:
    """Bongsu, a messenger service that outlives its data centre."""


@main.command()
@_with_settings(SERVE_OPTIONS)
def serve(config: Config) -> None:
    """Run a node until it is told to stop (SIGTERM or Ctrl-C)."""
    from bongsu.serve import run

    sys.exit(run(config))


@main.group()
def user() -> None:
    """Make accounts and look after them, without a running service."""


_password = click.option(
    "--password",
    prompt=True,
    hide_input=True,
    confirmation_prompt=True,
    help="Asked for when left out. Others on this machine can see it on the command line.",
)


@user.command("add")
@_with_settings(OFFLINE_OPTIONS)
@click.argument("name")
@_password
def user_add(config: Config, name: str, password: str) -> None:
    """Make the account NAME."""
    from bongsu import offline

    click.echo(f"Made {offline.user_add(config, name, password)}.")


@user.command("list")
@_with_settings(OFFLINE_OPTIONS)
def user_list(config: Config) -> None:
    """List the accounts, one a line: user id, state."""
    from bongsu import offline

    for user_id, state in offline.user_list(config):
        click.echo(f"{user_id}\t{state}")


@user.command("deactivate")
@_with_settings(OFFLINE_OPTIONS)
@click.argument("name")
def user_deactivate(config: Config, name: str) -> None:
    """End the account NAME for ever: its sessions, its memberships, its password."""
    from bongsu import offline

    click.echo(f"Deactivated {offline.user_deactivate(config, name)}.")


@user.command("reset-password")
@_with_settings(OFFLINE_OPTIONS)
@click.argument("name")
@_password
def user_reset_password(config: Config, name: str, password: str) -> None:
    """Give the account NAME a new password and log it out everywhere."""
    from bongsu import offline

    click.echo(f"{offline.user_reset_password(config, name, password)} has a new password and no sessions.")


@main.group()
def token() -> None:
    """Registration tokens: each lets its holder make accounts when `registration` is `token`."""


@token.command("create")
@_with_settings(OFFLINE_OPTIONS)
@click.option(
    "--uses", type=click.IntRange(min=1), help="How many accounts it is good for; any number when left out."
)
@click.option(
    "--days", type=click.IntRange(min=1), help="How many days it is good for; for ever when left out."
)
def token_create(config: Config, uses: int | None, days: int | None) -> None:
    """Make a registration token and print it."""
    from bongsu import offline

    click.echo(offline.token_create(config, uses=uses, days=days))


@token.command("list")
@_with_settings(OFFLINE_OPTIONS)
def token_list(config: Config) -> None:
    """List the registration tokens, one a line: token, what is left of it."""
    from bongsu import offline

    for registration_token, left in offline.token_list(config):
        click.echo(f"{registration_token}\t{left}")


@main.command()
@_with_settings(OFFLINE_OPTIONS)
def verify(config: Config) -> None:
    """Check every chain, signature and file, and that the view equals a rebuild. Exit 1 on a problem."""
    from bongsu import offline

    problems = offline.verify(config, click.echo)
    click.echo("No problem found." if problems == 0 else f"{problems} problems found.")
    sys.exit(0 if problems == 0 else 1)


@main.command()
@_with_settings(OFFLINE_OPTIONS)
def rebuild(config: Config) -> None:
    """Drop the view and rebuild it from the logs."""
    from bongsu import offline

    click.echo(f"Rebuilt the view from {offline.rebuild(config, click.echo)} records.")


@main.group()
def lab() -> None:
    """A real service of several sites on this machine, to be tried and hurt."""


_lab_dir = click.option(
    "--dir", "folder", type=click.Path(path_type=Path, file_okay=False), default=Path("lab"), help="Where."
)


def _lab_errors(command: Command) -> Command:
    @functools.wraps(command)
    def call(**arguments: Any) -> None:
        try:
            command(**arguments)
        except FatalError as error:
            raise click.ClickException(str(error)) from error

    return call


@lab.command("up")
@_lab_dir
@click.option("--sites", type=int, default=3, show_default=True, help="How many data centres.")
@click.option("--json", "as_json", is_flag=True, help="Print lab.json when it is ready.")
@click.option("--tls/--no-tls", default=True, help="Encrypt with a throw-away authority, or not.")
@_lab_errors
def lab_up(folder: Path, sites: int, as_json: bool, tls: bool) -> None:
    """Start NATS servers and nodes, and return when they are ready."""
    from bongsu.lab import commands

    plan = commands.up(folder, sites, tls=tls)
    if as_json:
        click.echo((folder / "lab.json").read_text(encoding="utf-8"))
    else:
        click.echo(f"bongsu lab ready at {' '.join(node.url for node in plan.nodes)}")


@lab.command("start")
@_lab_dir
@click.argument("name")
@_lab_errors
def lab_start(folder: Path, name: str) -> None:
    """Bring the process NAME back."""
    from bongsu.lab import commands
    from bongsu.lab.plan import Plan

    commands.start(Plan.load(folder), name)
    click.echo(f"{name} runs.")


@lab.command("down")
@_lab_dir
@_lab_errors
def lab_down(folder: Path) -> None:
    """End every process of the laboratory."""
    from bongsu.lab import commands
    from bongsu.lab.plan import Plan

    commands.down(Plan.load(folder))
    click.echo("The laboratory has ended. Its files are kept.")
