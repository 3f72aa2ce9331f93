"""What may happen to the hubs of a laboratory: they are cut off, somebody walks, an old disk comes back."""

import shutil
import ssl
from itertools import permutations
from pathlib import Path

import httpx

from bongsu.drill.until import until
from bongsu.lab import commands, processes
from bongsu.lab.plan import NodePlan, Plan, Process

IMAGE = "image"
LINKED_S = 40.0
COURIER = "/_bongsu/client/v1/courier"


def alone(plan: Plan, _: str) -> None:
    """Every data centre goes dark, and every hub is cut off from every other."""
    struck: list[Process] = [*plan.links, *plan.core, *plan.nats]
    for each in struck:
        processes.kill(each)
    plan.save()


def cut_off(plan: Plan, _: str) -> None:
    """Every hub is cut off from the data centres, which go on, and from every other hub."""
    for hub in plan.hubs:
        commands.link(plan, hub.name, "core", "none")


def back(plan: Plan, _: str) -> None:
    """Whatever of the data centres and the wires to them is gone comes back.

    Returns once every hub has a link, or too late.
    """
    commands.start_all(plan)
    trust: ssl.SSLContext | bool = ssl.create_default_context(cafile=plan.ca) if plan.ca else True
    with httpx.Client(verify=trust, timeout=LINKED_S, trust_env=False) as http:
        until(lambda: all(_is_linked(http, hub) for hub in plan.hubs), LINKED_S)


def courier(plan: Plan, _: str) -> None:
    """Somebody walks from hub to hub and back, with a sealed file for each from every other."""
    trust: ssl.SSLContext | bool = ssl.create_default_context(cafile=plan.ca) if plan.ca else True
    with httpx.Client(verify=trust, timeout=LINKED_S, trust_env=False) as http:
        for giver, taker in permutations(plan.hubs, 2):
            file = http.get(f"{giver.url}{COURIER}/export", params={"to": taker.site}).raise_for_status()
            http.post(f"{taker.url}{COURIER}", content=file.content).raise_for_status()


def _is_linked(http: httpx.Client, hub: NodePlan) -> bool:
    sites = http.get(f"{hub.url}/_bongsu/client/v1/sites").json()["sites"]
    return any(site["up"] and site["role"] == "core" for site in sites)


def image(plan: Plan, target: str) -> None:
    """A copy of a hub's disk is taken while it is off for a moment."""
    node = _stopped(plan, target)
    shutil.copytree(node.data, Path(node.data).with_name(IMAGE))
    commands.start(plan, target)


def amnesia(plan: Plan, target: str) -> None:
    """A hub's disk dies, and the copy is put into its place."""
    node = plan.find(target)
    assert isinstance(node, NodePlan)
    processes.kill(node)
    shutil.rmtree(node.data)
    Path(node.data).with_name(IMAGE).rename(node.data)
    commands.start(plan, target)


def _stopped(plan: Plan, target: str) -> NodePlan:
    node = plan.find(target)
    assert isinstance(node, NodePlan)
    processes.end([node])
    return node


HUB_ACTS = {
    "hubs-alone": alone,
    "hubs-cut": cut_off,
    "hubs-back": back,
    "courier": courier,
    "image": image,
    "amnesia": amnesia,
}
