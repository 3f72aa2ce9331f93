"""The command line: parse, call, print. What the commands do is in `serve` and `offline`."""

import sys

import click

import bongsu
from bongsu import cli_operate
from bongsu.cli_carry import carry
from bongsu.cli_hub import hub
from bongsu.cli_lab import demo, drill, lab
from bongsu.cli_settings import act, with_settings
from bongsu.cli_sites import root, site
from bongsu.cli_status import status
from bongsu.cli_tower import tower
from bongsu.config import Config

# The options of `serve` are a contract that other people's scripts rely on.
SERVE_OPTIONS = {
    "data": "DIR",
    "listen": "HOST:PORT",
    "server_name": "NAME",
    "site": "NAME",
    "root_key": "KEY",
    "certificate": "FILE",
    "role": "core|hub",
    "registration": "open|token|closed",
    "rate_limits": "on|off",
    "public_url": "URL",
}
OFFLINE_OPTIONS = {"data": "DIR", "server_name": "NAME", "root_key": "KEY"}


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(bongsu.__version__, prog_name="bongsu", message="%(prog)s %(version)s")
def main() -> None:
    """Bongsu, a messenger service that outlives its data centre."""


main.add_command(carry)
main.add_command(demo)
main.add_command(drill)
main.add_command(hub)
main.add_command(lab)
main.add_command(cli_operate.backup)
main.add_command(cli_operate.doctor)
main.add_command(cli_operate.repair)
main.add_command(cli_operate.restore)
main.add_command(root)
main.add_command(site)
main.add_command(status)
main.add_command(tower)


@main.command()
@with_settings(SERVE_OPTIONS)
def serve(config: Config) -> None:
    """Run a node until it is told to stop (SIGTERM or Ctrl-C)."""
    from bongsu.serve import run

    sys.exit(run(config))


@main.group()
def user() -> None:
    """Make accounts and look after them, while a node runs on the data or not."""


_password = click.option(
    "--password",
    prompt=True,
    hide_input=True,
    confirmation_prompt=True,
    help="Asked for when left out. Others on this machine can see it on the command line.",
)


@user.command("add")
@with_settings(OFFLINE_OPTIONS)
@click.argument("name")
@_password
def user_add(config: Config, name: str, password: str) -> None:
    """Make the account NAME."""
    click.echo(f"Made {act(config, 'user_add', name=name, password=password)}.")


@user.command("list")
@with_settings(OFFLINE_OPTIONS)
def user_list(config: Config) -> None:
    """List the accounts, one a line: user id, state."""
    for user_id, state in act(config, "user_list"):
        click.echo(f"{user_id}\t{state}")


@user.command("deactivate")
@with_settings(OFFLINE_OPTIONS)
@click.argument("name")
def user_deactivate(config: Config, name: str) -> None:
    """End the account NAME for ever: its sessions, its memberships, its password."""
    click.echo(f"Deactivated {act(config, 'user_deactivate', name=name)}.")


@user.command("reset-password")
@with_settings(OFFLINE_OPTIONS)
@click.argument("name")
@_password
def user_reset_password(config: Config, name: str, password: str) -> None:
    """Give the account NAME a new password and log it out everywhere."""
    user_id = act(config, "user_reset_password", name=name, password=password)
    click.echo(f"{user_id} has a new password and no sessions.")


@user.command("admin")
@with_settings(OFFLINE_OPTIONS)
@click.argument("name")
@click.option("--off", is_flag=True, help="No longer.")
def user_admin(config: Config, name: str, off: bool) -> None:
    """Make NAME an administrator, who also needs a second factor. There is none by default."""
    user_id = act(config, "user_admin", name=name, on=not off)
    click.echo(f"{user_id} is {'no longer ' if off else ''}an administrator.")


@user.command("reset-second-factor")
@with_settings(OFFLINE_OPTIONS)
@click.argument("name")
def user_reset_second_factor(config: Config, name: str) -> None:
    """Take NAME's second factor away, so that they can set up another."""
    click.echo(f"{act(config, 'user_reset_second_factor', name=name)} has no second factor.")


@main.group()
def token() -> None:
    """Registration tokens: each lets its holder make accounts when `registration` is `token`.

    While a node runs on the data or not.
    """


@token.command("create")
@with_settings(OFFLINE_OPTIONS)
@click.option(
    "--uses", type=click.IntRange(min=1), help="How many accounts it is good for; any number when left out."
)
@click.option(
    "--days", type=click.IntRange(min=1), help="How many days it is good for; for ever when left out."
)
def token_create(config: Config, uses: int | None, days: int | None) -> None:
    """Make a registration token and print it."""
    click.echo(act(config, "token_create", uses=uses, days=days))


@token.command("list")
@with_settings(OFFLINE_OPTIONS)
def token_list(config: Config) -> None:
    """List the registration tokens, one a line: token, what is left of it."""
    for registration_token, left in act(config, "token_list"):
        click.echo(f"{registration_token}\t{left}")


@main.command()
@with_settings(OFFLINE_OPTIONS)
@click.option(
    "--against", metavar="URL", multiple=True, help="A running node's private listener to compare with."
)
@click.option("--url", metavar="URL", help="This node's private listener while it runs, instead of --data.")
def verify(config: Config, against: tuple[str, ...], url: str | None) -> None:
    """Check every chain, signature and file, and that the view equals a rebuild. Exit 1 on a problem.

    With --against nothing else is checked than that the nodes hold the same, room by room.
    """
    from bongsu import offline

    if url is not None and not against:
        raise click.UsageError("--url is compared with what --against names. Give that, too.")
    if against:
        problems = offline.verify_against(config, url, against, click.echo)
    else:
        problems = offline.verify(config, click.echo)
    click.echo("No problem found." if problems == 0 else f"{problems} problems found.")
    sys.exit(0 if problems == 0 else 1)


@main.command()
@with_settings(OFFLINE_OPTIONS)
def rebuild(config: Config) -> None:
    """Drop the view and rebuild it from the logs."""
    from bongsu import offline

    click.echo(f"Rebuilt the view from {offline.rebuild(config, click.echo)} records.")
