// The tower's picture: sums, order, areas as they are signed; and the operator's map, good and bad.
import { expect, test } from "vitest";
import { fitted, placeOf, readMap, shapes, within } from "../src/tower/map";
import { areasOf, findings, inOrder, type Picture, shared, signedAreas, type SitePicture, sum } from "../src/tower/picture";

const site = (name: string, changes: Partial<SitePicture> = {}): SitePicture => ({
  node: name,
  site: name,
  role: "hub",
  this: false,
  linked: true,
  linked_since: null,
  revoked: false,
  status: null,
  ...changes,
});

test("all areas together", () => {
  expect(sum({ a: { safe: 1, silent: 2 }, b: { safe: 3, help: 1 } })).toEqual({ safe: 4, silent: 2, help: 1 });
});

test("what is cut off stands first, what is revoked last", () => {
  const sites = [site("b"), site("z", { linked: false }), site("a"), site("r", { revoked: true, linked: false })];
  expect(inOrder(sites).map((each) => each.site)).toEqual(["z", "a", "b", "r"]);
});

test("areas are those of people, sites and districts that an alert can name, signed in the order of code points", () => {
  const picture = { sites: [site("h1"), site("h2", { revoked: true })], people: { gyeongpo: 3, "": 1, "no good": 1 } } as unknown as Picture;
  expect(areasOf(picture, ["옥계", "h1"])).toEqual(["gyeongpo", "h1", "옥계"]);
  expect(signedAreas(["b", "가", "B", "b"])).toEqual(["B", "b", "가"]);
});

const square = (id: string, name: string, east: number) => ({
  type: "Feature",
  id,
  properties: { name },
  geometry: { type: "Polygon", coordinates: [[[east, 37], [east, 38], [east + 1, 38], [east + 1, 37], [east, 37]]] },
});
const point = { type: "Feature", id: "h2", properties: {}, geometry: { type: "Point", coordinates: [128.5, 37.5] } };
const whole = JSON.stringify({ type: "FeatureCollection", features: [square("h1", "경포동", 128), square("x", "옥계면", 129), point] });

test("a map's districts are drawn within the frame, and its points are places of sites", () => {
  const map = readMap(whole);
  expect(map.features.length).toBe(2);
  expect(placeOf("h2", map)).toEqual([128.5, 37.5]);
  expect(placeOf("옥계면", map)?.map((each) => each.toFixed(1))).toEqual(["129.5", "37.5"]);
  expect(placeOf("h9", map)).toBe(null);
  const drawn = shapes(map.features, fitted(map.features, [], 600, 500));
  for (const { middle } of drawn) expect(middle[0] > 0 && middle[0] < 600 && middle[1] > 0 && middle[1] < 500).toBe(true);
});

test("rings are read whichever way they go round", () => {
  const turned = square("t", "돌린 곳", 128);
  turned.geometry.coordinates = turned.geometry.coordinates.map((ring) => ring.toReversed());
  const [one, other] = [square("t", "돌린 곳", 128), turned].map((feature) => readMap(JSON.stringify({ type: "FeatureCollection", features: [feature] })));
  const paths = [one, other].map((map) => shapes(map?.features ?? [], fitted(map?.features ?? [], [], 600, 500))[0]?.path);
  expect(paths[0]).toBe(paths[1]);
});

test.each(["", "{}", "[]", '{"type":"FeatureCollection","features":[]}', '{"type":"FeatureCollection","features":[{"type":"Feature"}]}'])(
  "what is no map is refused: %s",
  (text) => expect(() => readMap(text)).toThrow(),
);

test("what is as it was stays the very same object, wherever it has moved to", () => {
  const before = { as_of: 1, sites: [{ node: "a", behind: 0 }, { node: "b", behind: 1 }], people: { a: 1 }, drills: null };
  const same = shared(before, structuredClone(before));
  expect(same).toBe(before);
  const now = shared(before, { as_of: 2, sites: [{ node: "c", behind: 0 }, { node: "b", behind: 1 }, { node: "a", behind: 5 }], people: { a: 1 }, drills: null });
  expect(now.as_of).toBe(2);
  expect(now.people).toBe(before.people);
  expect(now.sites[1]).toBe(before.sites[1]);
  expect(now.sites[2]).toEqual({ node: "a", behind: 5 });
  expect(shared(["x", "y"], ["x", "y", "z"])).toEqual(["x", "y", "z"]);
  expect(shared({ a: 1, b: 2 }, { a: 1 } as object)).toEqual({ a: 1 });
  expect(shared(null, [1])).toEqual([1]);
});

test("findings of all nodes, the serious first, then the oldest; a node that is shut out has none", () => {
  const problem = (name: string, serious: boolean, since_ms: number) => ({ name, serious, since_ms, ko: name, en: name });
  const status = (...problems: ReturnType<typeof problem>[]) => ({ at: 9, people: 0, behind: 0, free_mib: 1, certificate_days: null, battery: null, problems });
  const sites = [
    site("a", { status: status(problem("disk", false, 5)) }),
    site("b", { status: status(problem("alone", true, 7), problem("nats", false, 2)) }),
    site("gone", { revoked: true, status: status(problem("store", true, 1)) }),
    site("silent"),
  ];
  expect(findings(sites).map((each) => `${each.site} ${each.problem.name}`)).toEqual(["b alone", "b nats", "a disk"]);
});

test("hubs that stand within a district come along with it", () => {
  const { features } = readMap(whole);
  const [first] = features;
  if (!first) throw new Error("no district");
  expect(within(first, { h2: [128.5, 37.5], far: [129.5, 37.5] })).toEqual(["h2"]);
});
