"""One real server process for all API tests of a session, and users on it."""

import itertools
from collections.abc import Callable, Iterator

import httpx
import pytest

from tests.api.client import User, http_client
from tests.helpers.tower import Officer, install, pass_second_factor, rooted_server
from tests.server import Server

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The server. When the session ends it must stop cleanly, and its data must verify."""
    server = Server(tmp_path_factory.mktemp("server"))
    server.start()
    try:
        yield server
        server.stop()
        server.verify()
    finally:
        server.kill()


@pytest.fixture(scope="session")
def http(server: Server) -> Iterator[httpx.Client]:
    """Requests without an account."""
    with http_client(server.url) as client:
        yield client


@pytest.fixture
def make_user(http: httpx.Client) -> Callable[[str], User]:
    """Register a user whose name begins with the one given; names are not used twice in a session."""

    def make(name: str) -> User:
        user = User(http, f"{name}-{next(_numbers)}")
        user.register()
        return user

    return make


@pytest.fixture
def alice(make_user: Callable[[str], User]) -> User:
    return make_user("alice")


@pytest.fixture
def bob(make_user: Callable[[str], User]) -> User:
    return make_user("bob")


@pytest.fixture(scope="session")
def tower(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of a service with a root key. When the session ends its data must verify."""
    server = rooted_server(tmp_path_factory.mktemp("tower"))
    server.start()
    try:
        yield server
        server.stop()
        server.verify()
    finally:
        server.kill()


@pytest.fixture(scope="session")
def tower_http(tower: Server) -> Iterator[httpx.Client]:
    with http_client(tower.url) as client:
        yield client


@pytest.fixture
def person(tower_http: httpx.Client) -> Callable[[str], User]:
    """Register a user there."""

    def make(name: str) -> User:
        user = User(tower_http, f"{name}{next(_numbers)}")
        user.register()
        return user

    return make


@pytest.fixture
def mayor(tower: Server, person: Callable[[str], User]) -> tuple[User, Officer]:
    """Somebody with a tower key for everywhere, who has given a second factor."""
    user, officer = person("mayor"), Officer()
    install(tower.url, officer.statement(users=(user.user_id,)))
    pass_second_factor(user)
    return user, officer
