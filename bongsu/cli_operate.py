"""`bongsu doctor`, `backup`, `restore` and `repair`: what operators do about a node's data."""

import asyncio

import click

from bongsu.cli_settings import with_settings
from bongsu.config import Config

DATA_OPTIONS = {"data": "DIR"}


@click.command()
@with_settings(DATA_OPTIONS)
def repair(config: Config) -> None:
    """Check log.db; if it is damaged, set it aside and begin a new one with what is whole.

    A node with other sites does this by itself at its start, and fills up from them.
    """
    from bongsu.clock import SystemClock
    from bongsu.errors import StoreDamaged
    from bongsu.operate import repair as work

    if not (config.data / "log.db").is_file():
        raise click.ClickException(f"There is no node in {config.data}. Check the setting data.")
    try:
        problems = work.check(config, SystemClock())
    except StoreDamaged as damage:
        problems = (str(damage),)
    if not problems:
        click.echo("log.db is whole. There is nothing to repair.")
        return
    click.echo(problems[0])
    done = asyncio.run(work.repair(config, SystemClock()))
    click.echo(f"{done.taken} of {done.records} records are whole and were taken over.")
    click.echo(f"The damaged file is kept as {done.aside}.")
    click.echo(
        "Start the node: what is missing comes from the other sites. A node without others has lost it."
    )
