// Several sites: hop on an error, on a hang, once for many failures, come back late, say so.
import { expect, test } from "vitest";
import { FOREIGN_MS, RETURN_AFTER_MS, radioSeconds, readHub, readSites, type SiteState, Sites } from "../src/matrix/sites";

const HOME = "https://one.example";
const KNOWN = [
  { name: "one", base_url: HOME, role: "core", this: true },
  { name: "two", base_url: "https://two.example", role: "core" },
  { name: "three", base_url: "https://three.example", role: "core" },
];

type Health = "up" | "down" | "hangs" | "foreign" | "behind";

/** Three sites whose health a test sets, a clock it turns, and timers it fires. */
function world() {
  const health: Record<string, Health> = { one: "up", two: "up", three: "up" };
  const asked: string[] = [];
  const timers = new Map<number, () => void>();
  let nowMs = 0;
  let names = 0;
  const fetch = ((input: string, init: RequestInit) => {
    const name = new URL(input).host.split(".")[0] as string;
    asked.push(name);
    if (health[name] === "up" && !input.includes("/poll")) return Promise.resolve(new Response("{}"));
    if (health[name] === "foreign" && input.includes("/versions")) return Promise.resolve(new Response("{}"));
    if (health[name] === "foreign")
      return Promise.resolve(new Response("{}", { status: 403, headers: { "x-bongsu-not-a-resident": "true" } }));
    if (health[name] === "behind" && input.includes("/versions")) return Promise.resolve(new Response("{}"));
    if (health[name] === "behind")
      return Promise.resolve(new Response("{}", { status: 429, headers: { "x-bongsu-not-heard-yet": "true" } }));
    if (health[name] === "down") return Promise.reject(new TypeError("failed to fetch"));
    return new Promise((_, reject) => {
      const end = () => reject(init.signal?.reason as Error);
      if (init.signal?.aborted) end();
      else init.signal?.addEventListener("abort", end);
    });
  }) as typeof globalThis.fetch;
  const sites = new Sites(HOME, KNOWN, {
    fetch,
    now: () => nowMs,
    random: () => 0.5,
    setTimer: (run) => {
      timers.set(++names, run);
      return names;
    },
    clearTimer: (timer) => void timers.delete(timer as number),
  });
  const states: SiteState[] = [];
  sites.onChange((state) => states.push(state));
  const fireTimers = async () => {
    for (let round = 0; round < 3; round++) {
      for (const [name, run] of [...timers]) {
        timers.delete(name);
        run();
      }
      for (let turn = 0; turn < 20; turn++) await Promise.resolve();
    }
  };
  return { health, asked, sites, states, fireTimers, pass: (ms: number) => (nowMs += ms) };
}

test("a request goes to the site in use, with its path and query", async () => {
  const { sites, asked, states } = world();
  expect((await sites.fetchFn(`${HOME}/x?y=1`)).status).toBe(200);
  expect(asked).toEqual(["one"]);
  expect(states).toEqual([]);
  expect(sites.state).toEqual({ kind: "normal", site: "one" });
});

test("when a site resets, the same request is answered by the next, and the strip can say so", async () => {
  const { sites, health, states } = world();
  health["one"] = "down";
  health["two"] = "down";
  expect((await sites.fetchFn(`${HOME}/x`)).status).toBe(200);
  expect(sites.site.name).toBe("three");
  expect(states.at(-1)).toEqual({ kind: "elsewhere", site: "three", away: "one", sinceMs: 0 });
});

test("many requests that fail at once hop once", async () => {
  const { sites, health } = world();
  health["one"] = "down";
  await Promise.all([1, 2, 3, 4].map((n) => sites.fetchFn(`${HOME}/x${n}`)));
  expect(sites.site.name).toBe("two");
});

test("a site that hangs is left by the watchdog, and its requests are asked again elsewhere", async () => {
  const { sites, health, fireTimers } = world();
  health["one"] = "hangs";
  const answer = sites.fetchFn(`${HOME}/x`);
  await fireTimers();
  await fireTimers();
  expect((await answer).status).toBe(200);
  expect(sites.site.name).toBe("two");
});

test("with no site left it says offline since when, and normal again after", async () => {
  const { sites, health, states, pass } = world();
  pass(7);
  for (const name of ["one", "two", "three"]) health[name] = "down";
  await expect(sites.fetchFn(`${HOME}/x`)).rejects.toThrow("failed to fetch");
  expect(states).toEqual([{ kind: "offline", sinceMs: 7 }]);
  health["one"] = "up";
  await sites.fetchFn(`${HOME}/x`);
  expect(states.at(-1)).toEqual({ kind: "normal", site: "one" });
});

test("it goes back only when the first site has been well for a while", async () => {
  const { sites, health, fireTimers, pass } = world();
  health["one"] = "down";
  await sites.fetchFn(`${HOME}/x`);
  expect(sites.site.name).toBe("two");
  health["one"] = "up";
  const poll = sites.fetchFn(`${HOME}/poll`).catch(() => undefined);
  await fireTimers();
  expect(sites.site.name).toBe("two");
  pass(RETURN_AFTER_MS);
  await fireTimers();
  expect(sites.site.name).toBe("one");
  void poll;
});

test("a request its caller gives up does not count against the site", async () => {
  const { sites } = world();
  const caller = new AbortController();
  const answer = sites.fetchFn(`${HOME}/poll`, { signal: caller.signal });
  caller.abort();
  await expect(answer).rejects.toThrow();
  expect(sites.state.kind).toBe("normal");
});

test("a list with rubbish in it is read for what it holds", () => {
  expect(readSites({ sites: [null, 1, { name: "a" }, KNOWN[1]] })).toEqual([KNOWN[1]]);
  expect(readSites("<html>")).toEqual([]);
  expect(readSites(null)).toEqual([]);
});

test("a hub that does not know the person is left for one that does", async () => {
  const { sites, health } = world();
  health["one"] = "down";
  health["two"] = "foreign";
  expect((await sites.fetchFn(`${HOME}/x`)).status).toBe(200);
  expect(sites.site.name).toBe("three");
});

test("leaves a site that has not heard of the log-in yet, and says nothing of hubs where there is no other", async () => {
  const { sites, health, pass } = world();
  health["one"] = "behind";
  expect((await sites.fetchFn(`${HOME}/x`)).status).toBe(200);
  expect(sites.site.name).toBe("two");
  health["two"] = "behind";
  health["three"] = "down";
  pass(FOREIGN_MS);
  health["one"] = "down";
  expect((await sites.fetchFn(`${HOME}/x`)).status).toBe(429);
  expect(sites.state).toMatchObject({ kind: "elsewhere", site: "two" });
  expect(sites.state).not.toMatchObject({ stranger: true });
});

test("where no other site answers, the refusal of such a hub is what there is, until something changes", async () => {
  const { sites, health, pass } = world();
  health["one"] = "down";
  health["two"] = "foreign";
  health["three"] = "down";
  expect((await sites.fetchFn(`${HOME}/x`)).status).toBe(403);
  expect(sites.state).toMatchObject({ kind: "elsewhere", site: "two", stranger: true });
  health["three"] = "up";
  pass(FOREIGN_MS);
  expect((await sites.fetchFn(`${HOME}/x`)).status).toBe(200);
  expect(sites.site.name).toBe("three");
});

test("a hub says since when it is alone, and what its battery has left", () => {
  const here = { name: "h1", base_url: HOME, role: "hub", this: true };
  const battery = { percent: 62, on_mains: false, hours_left: 5, does: "full" };
  expect(readHub({ sites: [{ ...here, alone_since_ms: 5, battery }] })).toEqual({
    name: "h1",
    aloneSinceMs: 5,
    battery: { percent: 62, hours: 5, does: "full" },
    radio: null,
  });
  expect(readHub({ sites: [{ ...here, battery: { ...battery, on_mains: true } }] })).toEqual({
    name: "h1",
    aloneSinceMs: null,
    battery: null,
    radio: null,
  });
  expect(readHub({ sites: [{ ...here, role: "core" }] })).toBeNull();
});

test("a hub says what sending by radio costs", () => {
  const radio = { site: "h2", reached: true, waits_s: 2, text_s: 1.2, byte_s: 0.01 };
  const hub = readHub({ sites: [{ name: "h1", base_url: HOME, role: "hub", this: true, radio }] });
  expect(hub?.radio).toEqual({ site: "h2", reached: true, waitsS: 2, textS: 1.2, byteS: 0.01 });
  if (!hub?.radio) throw new Error("there is radio");
  expect(radioSeconds(hub.radio, 20)).toBe(4);
  expect(radioSeconds(hub.radio, 560)).toBe(9);
});
