"""The picture: sites, incidents, alerts and check-ins, each with as of when it is known (DESIGN 8)."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bongsu.cap.feeds import FeedPoller, feeds
from bongsu.console.drills import shown
from bongsu.console.inventory import inventory
from bongsu.console.status import FAMILY
from bongsu.node import Node
from bongsu.peers import Peers
from bongsu.sync.tower import alert_fields, call_fields, check_in_fields, foreign_alerts
from bongsu.tower import check_in
from bongsu.tower.check_in import CheckIn
from bongsu.tower.export import state_fields
from bongsu.view import check_ins, registers, tower_desk, tower_people
from bongsu.view.tower import Shown
from bongsu.view.tower_people import Areas

if TYPE_CHECKING:
    from bongsu.hub.radio import Radio


def picture(node: Node, peers: Peers, poller: FeedPoller, radio: "Radio | None" = None) -> dict[str, Any]:
    """All of it. What other sites told is as old as `status.at` says."""
    context, now_ms = node.context, node.now_ms()
    tower = context.tower
    people = tower_people.areas_of_people(context)
    said = check_ins.all_of(context)
    return {
        "as_of": now_ms,
        "version": str(node.position),
        "sites": sites(node, peers, radio),
        "incidents": [state_fields(each, tower.keyring()) for each in tower.incidents().values()],
        "alerts": [_alert(node, each, people) for each in tower.alerts().values()][:100],
        "foreign_alerts": [fields for _, fields in foreign_alerts(context)][:100],
        "calls": [_call(node, each.id, people, said) for each in list(tower.calls().values())[:20]],
        "help": [
            check_in_fields(context, each)
            for each in sorted(
                check_in.standing(said, tower.exercises()), key=lambda each: (-each.stamp, each.user_id)
            )
            if each.answer == check_in.HELP
        ],
        "people": _numbers(people),
        "staff_room": tower_desk.staff_room(context),
        "drills": shown(node),
        "inventory": inventory(node),
        "feeds": [_feed(each.id, each.name, each.url, each.certificate, poller) for each in feeds(node)],
    }


def sites(node: Node, peers: Peers, radio: "Radio | None" = None) -> list[dict[str, Any]]:
    """Every node of the service, linked or not, with what it last told of itself."""
    context = node.context
    told = dict(registers.under(context, FAMILY, "", ""))
    named = dict(registers.under(context, "site", "", ""))
    revoked = context.authorities.revocations()
    own, places = node.log.key.node, tower_desk.places(context)
    found = []
    for each in context.authorities.certificates():
        name = each.node.hex()
        linked = each.node == own or each.node in peers.links
        found.append(
            {
                "node": name,
                "site": each.site,
                "role": each.role,
                "place": places.get(each.site),
                "base_url": named.get(name, {}).get("base_url"),
                "this": each.node == own,
                "linked": linked,
                # By radio: how that stands, with its budget; null: there is no modem for it.
                "radio": None if radio is None else radio.to(each.node),
                # Since when that is so, by this node's clock; null: since before it started.
                "linked_since": peers.changed_ms.get(each.node),
                "revoked": each.node in revoked,
                "certificate_expires": each.expires_ms,
                "status": told.get(name),
            }
        )
    return found


def _alert(node: Node, alert: Shown, people: Mapping[str, Areas]) -> dict[str, Any]:
    asked = tower_people.asked(people, alert.content["areas"])
    given = tower_people.answers(node.context, alert.id)
    return {**alert_fields(node.context, alert), "areas": tower_people.counts(asked, given)}


def _call(node: Node, name: str, people: Mapping[str, Areas], said: list[CheckIn]) -> dict[str, Any]:
    call = node.context.tower.calls()[name]
    asked = tower_people.asked(people, call.content["areas"])
    answered = check_in.answers(said, name, call.content["sent"], node.context.tower.other_calls(name))
    return {**call_fields(node.context, call), "areas": check_in.sums(asked, answered)}


def _numbers(people: Mapping[str, Areas]) -> dict[str, int]:
    found: dict[str, int] = {}
    for each in people.values():
        found[each.counted] = found.get(each.counted, 0) + 1
    return found


def _feed(name: str, shown: str, url: str, certificate: str | None, poller: FeedPoller) -> dict[str, Any]:
    worked, problem = poller.results.get(name, (None, None))
    return {
        "id": name,
        "name": shown,
        "url": url,
        "pinned": certificate is not None,
        "worked": worked,
        "problem": problem,
    }


def service_status(node: Node, peers: Peers) -> dict[str, Any]:
    """What the status page needs: nothing of a person."""
    tower = node.context.tower
    return {
        "server_name": node.config.server_name,
        "seen_from": node.config.site,
        "now": node.now_ms(),
        "sites": sites(node, peers),
        "incidents": [
            {
                "id": each.id,
                "since": each.opened["sent"],
                "kind": each.opened["content"]["kind"],
                "place": each.opened["content"]["place"],
                "status": each.opened["content"]["status"],
                "stage": each.stage,
                "closed": each.closed,
            }
            for each in list(tower.incidents().values())[:20]
        ],
    }
