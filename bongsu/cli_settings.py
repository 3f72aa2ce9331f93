"""Settings as options of commands: --config, and one for each that the command names."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from bongsu.config import SETTINGS, Config
from bongsu.config_load import load
from bongsu.errors import FatalError, MatrixError
from bongsu.setting_values import SettingError

Command = Callable[..., Any]


def act(config: Config, name: str, /, **arguments: Any) -> Any:
    """What `offline.act` does; loaded when it is needed, because it loads the whole program."""
    from bongsu import offline

    return offline.act(config, name, **arguments)


def with_settings(metavars: dict[str, str], *, together: bool = True) -> Callable[[Command], Command]:
    """Add --config and an option for each setting named, and hand the command a checked Config.

    `together`: whether the settings must fit each other already (config_load.load).
    """

    def decorate(command: Command) -> Command:
        @functools.wraps(command)
        def call(config: Path | None, **arguments: Any) -> None:
            chosen = {name: arguments.pop(name) for name in metavars}
            try:
                command(load(chosen, file=config, together=together), **arguments)
            except (SettingError, FatalError) as error:
                raise click.ClickException(str(error)) from error
            except MatrixError as error:
                raise click.ClickException(error.error) from error

        decorated: Command = call
        for name, metavar in reversed(metavars.items()):
            doc = SETTINGS[name].metadata["doc"].replace("`", "")
            decorated = click.option("--" + name.replace("_", "-"), metavar=metavar, help=doc)(decorated)
        file = click.Path(path_type=Path, dir_okay=False)
        return click.option("--config", type=file, metavar="FILE", help="A TOML file of settings.")(decorated)

    return decorate
