"""Every route of the public listener, from the files that hold their handlers."""

from bongsu.api import (
    account,
    account_data,
    capabilities,
    create_room,
    cross_signing,
    device_management,
    key_backup,
    keys,
    login,
    membership,
    message_pagination,
    presence,
    profile,
    pusher,
    pushrules,
    receipts,
    registration,
    room_send,
    rooms,
    sync,
    to_device,
    typing,
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
    receipts,
    typing,
    presence,
    pushrules,
    pusher,
    sync,
    device_management,
    keys,
    cross_signing,
    to_device,
    key_backup,
)


def all_routes() -> list[Route]:
    """The routes of every module."""
    return [route for module in _MODULES for route in module.ROUTES]
