"""Power levels and their defaults. Spec: Client-Server API § m.room.power_levels."""

import pytest

from bongsu.room.auth_types import POWER_LEVELS
from bongsu.room.power import CREATOR_LEVEL, PowerLevels, creators
from bongsu.room.versions import VERSIONS
from tests.helpers.stage import ALICE, BOB, CAROL, DAN, Stage

every_version = pytest.mark.parametrize("id", VERSIONS)


def power_of(stage: Stage) -> PowerLevels:
    return PowerLevels(stage.state.get(POWER_LEVELS), stage.create, stage.version)


@every_version
def test_without_power_levels(id: str) -> None:
    stage = Stage(id)
    del stage.state[POWER_LEVELS]
    power = power_of(stage)
    assert not power.exists
    assert power.user_level(ALICE) == (CREATOR_LEVEL if id == "12" else 100)
    assert power.user_level(BOB) == 0
    assert (power.state_default, power.events_default, power.users_default) == (50, 0, 0)
    assert (power.invite, power.kick, power.ban, power.redact) == (0, 50, 50, 50)
    assert power.notifications() == 50
    assert power.event_level("m.room.message", is_state=False) == 0
    assert power.event_level("m.room.topic", is_state=True) == 50


@every_version
def test_with_power_levels(id: str) -> None:
    stage = Stage(id)
    stage.levels(
        users={BOB: 50, CAROL: -1},
        users_default=5,
        events={"m.room.topic": 7},
        events_default=1,
        state_default=2,
        invite=3,
        kick=4,
        ban=5,
        redact=6,
        notifications={"room": 8, "kr.example": 9},
    )
    power = power_of(stage)
    assert power.exists
    assert [power.user_level(user) for user in (BOB, CAROL, DAN)] == [50, -1, 5]
    assert power.user_level(ALICE) == (CREATOR_LEVEL if id == "12" else 100)
    assert power.event_level("m.room.topic", is_state=True) == 7
    assert power.event_level("m.room.topic", is_state=False) == 7
    assert power.event_level("m.room.name", is_state=True) == 2
    assert power.event_level("m.room.message", is_state=False) == 1
    assert (power.invite, power.kick, power.ban, power.redact) == (3, 4, 5, 6)
    assert (power.notifications(), power.notifications("kr.example"), power.notifications("x")) == (8, 9, 50)


@every_version
def test_redacted_or_broken_power_levels_fall_back_to_the_defaults(id: str) -> None:
    stage = Stage(id)
    stage.put(ALICE, "m.room.power_levels", {"users": [], "events": 1, "ban": "50", "kick": True}, "")
    power = power_of(stage)
    assert power.user_level(BOB) == 0
    assert power.user_level(ALICE) == (CREATOR_LEVEL if id == "12" else 0)
    assert (power.ban, power.kick) == (50, 50)


def test_who_created_the_room() -> None:
    stage = Stage("10", {"creator": BOB})
    assert creators(stage.create, stage.version) == power_of(stage).creators == {BOB}
    assert creators(Stage("10", {"creator": 1}).create, VERSIONS["10"]) == set()
    assert creators(Stage("11", {"creator": BOB, "additional_creators": [BOB]}).create, VERSIONS["11"]) == {
        ALICE
    }
    assert creators(Stage("12").create, VERSIONS["12"]) == {ALICE}
    assert creators(Stage("12", {"additional_creators": [BOB, 1]}).create, VERSIONS["12"]) == {ALICE, BOB}
    assert creators(Stage("12", {"additional_creators": BOB}).create, VERSIONS["12"]) == {ALICE}


def test_every_creator_of_version_12_is_above_every_number() -> None:
    power = power_of(Stage("12", {"additional_creators": [CAROL]}))
    assert power.user_level(CAROL) == power.user_level(ALICE) > 2**53
