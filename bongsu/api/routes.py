"""Every route of the public listener, from the files that hold their handlers."""

from bongsu.api import (
    account,
    account_data,
    bongsu_sites,
    capabilities,
    content_repo,
    create_room,
    directory,
    list_public_rooms,
    login,
    membership,
    message_pagination,
    openid,
    profile,
    registration,
    relations,
    report_content,
    room_send,
    room_upgrades,
    rooms,
    search,
    sync,
    third_party_lookup,
    users,
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
    directory,
    list_public_rooms,
    users,
    search,
    relations,
    room_upgrades,
    report_content,
    openid,
    third_party_lookup,
    bongsu_sites,
)


def all_routes() -> list[Route]:
    """The routes of every module."""
    return [route for module in _MODULES for route in module.ROUTES]
