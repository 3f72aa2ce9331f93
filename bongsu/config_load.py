"""Puts the settings together: the command line before the environment, before a file."""

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from bongsu.config import SETTINGS, Config
from bongsu.config_checks import check_together
from bongsu.setting_values import CONFIG_VARIABLE, SettingError, read_environment, read_file


def load(
    arguments: Mapping[str, object],
    environment: Mapping[str, str] = os.environ,
    file: Path | None = None,
    *,
    together: bool = True,
) -> Config:
    """Put the settings together, the first of command line, environment and file that names one.

    Args:
        arguments: by setting name; a value of None was not given.
        file: a TOML file; BONGSU_CONFIG names one too.
        together: whether they must fit each other already; a hub has no root key before it is let in.
    Raises:
        SettingError: one cannot be used, is unknown, or contradicts another.
    """
    if file is None and environment.get(CONFIG_VARIABLE):
        file = Path(environment[CONFIG_VARIABLE])
    values: dict[str, Any] = {}
    for origin, raw_values in (
        (f"the file {file}", read_file(file)),
        ("the environment", read_environment(environment)),
        ("the command line", {name: raw for name, raw in arguments.items() if raw is not None}),
    ):
        for name, raw in raw_values.items():
            values[name] = _parse(name, raw, origin)
    config = Config(**values, given=frozenset(values))
    if together:
        check_together(config)
    return with_own_tls(config)


def with_own_tls(config: Config) -> Config:
    """Where a hub keeps the key that it made itself, unless the settings name a directory."""
    return replace(config, tls=config.data / "tls") if config.tls_order and config.tls is None else config


def parse_each(values: Mapping[str, object]) -> Config:
    """Settings that are fine each by itself, to be put together later.

    Raises:
        SettingError: one cannot be used.
    """
    return Config(**{name: _parse(name, raw, "what was given") for name, raw in values.items()})


def _parse(name: str, raw: object, origin: str) -> Any:
    if name not in SETTINGS:
        raise SettingError(
            f"There is no setting {name}, but {origin} gives it a value. "
            f"The settings are: {', '.join(SETTINGS)}."
        )
    try:
        return SETTINGS[name].metadata["parse"](raw)
    except ValueError as error:
        raise SettingError(f"The setting {name} is {raw!r} in {origin}, but {error}.") from error
