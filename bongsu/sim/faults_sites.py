"""Sites that come, go and lie, and what clients do at the worst moment."""

import random

from bongsu import authority, drafts
from bongsu.authority import Cut
from bongsu.clock import next_stamp
from bongsu.cuts import cuts_of
from bongsu.errors import MatrixError
from bongsu.log.record import Draft, Lane, service_scope
from bongsu.sim.fault import fault, wait
from bongsu.sim.lies import lie
from bongsu.sim.site import Site
from bongsu.sim.stage import Stage, taken

UNKNOWN_KIND = 90

# Sites that come, go and lie


@fault("late-joiner", 0)
async def late_joiner(world: Stage, rnd: random.Random) -> None:
    """A fourth site is enrolled, fills itself and serves."""
    await wait(rnd, 2, 10)
    site = world.new_site("delta")
    world.sites.append(site)
    world.introduce()
    world.start(site)
    for other in world.sites:
        if other is not site and other.up:
            # A running node learns of a new address by its settings; here it is told at once.
            other.learn_of(site)


@fault("unknown-kind", 28)
async def unknown_kind(world: Stage, rnd: random.Random) -> None:
    """A newer release writes what this one carries unread."""
    for _ in range(4):
        await wait(rnd, 0.5, 5)
        site = rnd.choice(world.sites)
        if site.process is not None and site.up:
            draft = Draft(UNKNOWN_KIND, service_scope(), rnd.choice(list(Lane)), 1, rnd.randbytes(20))
            site.process.run(_quietly(site, draft))


@fault("lying-site", 20)
async def lying_site(world: Stage, rnd: random.Random) -> None:
    """A valid key writes what no honest node would; the others carry on."""
    world.somebody_lies = True
    for _ in range(6):
        await wait(rnd, 0.5, 4)
        site = world.victim
        if site.process is not None and site.up:
            site.process.run(_quietly(site, *lie(site, rnd)))


async def _quietly(site: Site, *written: Draft) -> None:
    try:
        await site.node.log.append(written)
    except MatrixError:
        return


@fault("revoked", 19)
async def revoked(world: Stage, rnd: random.Random) -> None:
    """A site is shut out with a cut at what the others hold; later it is replaced under a new key."""
    await wait(rnd, 4, 14)
    victim = world.victim
    others = [site for site in world.sites if site is not victim]
    if not all(site.up for site in others):
        return
    best: dict[tuple[int, Lane], Cut] = {}
    for site in others:
        try:
            _, cuts = cuts_of(site.node, victim.key.node.hex(), None)
        except MatrixError:
            continue
        for cut in cuts:
            known = best.get((cut.epoch, cut.lane))
            if known is None or known.seq < cut.seq:
                best[cut.epoch, cut.lane] = cut
    world.revoked = victim.key.node
    text = authority.sign_revocation(victim.key.node, 1, best.values(), world.root.sign)
    site = rnd.choice(others)
    assert site.process is not None
    world.revocation = text
    site.process.run(taken(site, text))


@fault("same-name", 24)
async def same_name(world: Stage, rnd: random.Random) -> None:
    """The same name is claimed at several sites at once, as after the loss of the lock."""
    await wait(rnd, 1, 10)
    name = f"@twin{rnd.randrange(100)}:sim.example"
    for site in rnd.sample(world.sites, 2):
        if site.process is not None and site.up:
            now_ms = site.node.now_ms()
            written = [
                drafts.user(name, now_ms, next_stamp(now_ms)),
                drafts.password(name, f"hash at {site.name}", next_stamp(now_ms)),
                drafts.register(
                    "profile", name, "", "displayname", site.name, next_stamp(now_ms), public=True
                ),
            ]
            site.process.run(_quietly(site, *written))


@fault("password-change", 26)
async def password_change(world: Stage, rnd: random.Random) -> None:
    """Somebody changes the password and logs the others out; on both sides, perhaps."""
    client = world.clients[-1]
    client.may_be_out = True
    for _ in range(3):
        await wait(rnd, 1, 6)
        site = rnd.choice(world.sites)
        if site.process is not None and site.up:
            stamp = next_stamp(site.node.now_ms())
            kept = f"session {rnd.randrange(5)}"
            login = drafts.session(
                client.user_id, "DOTHER", kept, 0, [], site.node.now_ms(), stamp, rnd.randrange(stamp)
            )
            hashed = f"hash {rnd.randrange(10**6)}"
            changed = drafts.password(client.user_id, hashed, stamp + 1, logs_out=True, keeps=kept)
            site.process.run(_quietly(site, *rnd.sample([login, changed], 2)))


# Clients


@fault("lost-answers", 23)
async def lost_answers(world: Stage, rnd: random.Random) -> None:
    """What a client asked for is done, and the answer never comes: it asks again, elsewhere."""
    for site in world.sites:
        site.answers_lost = rnd.uniform(0.02, 0.3)


@fault("wandering-clients", 15)
async def wandering_clients(world: Stage, rnd: random.Random) -> None:
    """Clients change sites all the time, with tokens the next site has not caught up with."""
    for _ in range(60):
        await wait(rnd, 0.05, 0.6)
        rnd.choice(world.clients).move()
