"""Every route of the public listener, from the files that hold their handlers."""

from bongsu.api import (
    account,
    account_data,
    capabilities,
    content_repo,
    create_room,
    login,
    membership,
    message_pagination,
    profile,
    registration,
    room_send,
    rooms,
    sync,
    versions,
    wellknown,
)
from bongsu.api.http import Route

_MODULES = (
    versions,
    wellknown,
    capabilities,
    login,
    registration,
    account,
    account_data,
    profile,
    create_room,
    room_send,
    rooms,
    membership,
    message_pagination,
    sync,
    content_repo,
)


def all_routes() -> list[Route]:
    """The routes of every module."""
    return [route for module in _MODULES for route in module.ROUTES]
