// The tower's map: an operator's districts, else a coast, fitted to the service; kept in this browser.
import { geoArea, geoCentroid, geoContains, geoMercator, geoPath, type GeoProjection } from "d3-geo";
import { openDB } from "idb";
import type { Feature, FeatureCollection, GeometryObject, Polygon, Position } from "geojson";

export type Point = [number, number];

export interface OperatorsMap {
  features: Feature[];
  /** Where sites stand, as [longitude, latitude]: from the operator's points, or put there by hand. */
  places: Record<string, Point>;
}

export interface Shape {
  id: string;
  name: string;
  path: string;
  isArea: boolean;
  /** Where its name stands, in pixels. */
  middle: Point;
}

const BYTES_MAX = 8_000_000;
// South Korea: where nothing is known of the service's extent.
const KOREA: Point[] = [
  [125.6, 33.8],
  [129.9, 38.7],
];
const MARGIN_PX = 26;

const properties = (feature: Feature): Record<string, unknown> => feature.properties ?? {};

/** What alerts and people call the district: its id, else its code, else its name. */
export const areaOf = (feature: Feature): string =>
  String(feature.id ?? properties(feature)["id"] ?? properties(feature)["code"] ?? properties(feature)["name"] ?? "").replaceAll(" ", "-");

export const nameOf = (feature: Feature): string => String(properties(feature)["name"] ?? areaOf(feature));

/** @throws Error when the text is no GeoJSON with features */
export function readMap(text: string): OperatorsMap {
  if (text.length > BYTES_MAX) throw new Error("too large");
  const read = JSON.parse(text) as FeatureCollection;
  const features = read.type === "FeatureCollection" && Array.isArray(read.features) ? read.features.filter((each) => each.geometry).map(wound) : [];
  if (features.length === 0) throw new Error("no features");
  // Drawn once to see whether they can be.
  geoPath(fitted(features, [], 100, 100))({ type: "FeatureCollection", features });
  const points = features.filter(({ geometry }) => geometry.type === "Point");
  const places = Object.fromEntries(points.map((each) => [areaOf(each), (each.geometry as unknown as { coordinates: Point }).coordinates]));
  return { features: features.filter(({ geometry }) => geometry.type !== "Point"), places };
}

/** RFC 7946 winds rings one way, d3 the other, and files do both: taken wrongly, a district is the world without it. */
function wound(feature: Feature): Feature {
  const { geometry } = feature;
  if (geometry.type === "Polygon") return { ...feature, geometry: { ...geometry, coordinates: small(geometry.coordinates) } };
  if (geometry.type !== "MultiPolygon") return feature;
  return { ...feature, geometry: { ...geometry, coordinates: geometry.coordinates.map(small) } };
}

function small(rings: Position[][]): Position[][] {
  const area = (ring: Position[]): number => geoArea({ type: "Polygon", coordinates: [ring] } satisfies Polygon);
  // The first ring is the outside; the others are holes, and go the other way round.
  return rings.map((ring, index) => (area(ring) > 2 * Math.PI === (index === 0) ? ring.toReversed() : ring));
}

/** A projection that shows the districts, or else the points, or else the country, in so many pixels. */
export function fitted(features: Feature[], points: Point[], width: number, height: number): GeoProjection {
  const extent: GeometryObject & { coordinates: Point[] } = { type: "MultiPoint", coordinates: spread(points) } as never;
  const whole = features.length > 0 ? { type: "FeatureCollection" as const, features } : { type: "Feature" as const, geometry: extent, properties: {} };
  const [right, bottom] = [width - MARGIN_PX, height - MARGIN_PX];
  return geoMercator().fitExtent([[MARGIN_PX, MARGIN_PX], [right, bottom]], whole as FeatureCollection);
}

/** Two corners around the points, at least a tenth of a degree apart; the country's without points. */
function spread(points: Point[]): Point[] {
  if (points.length === 0) return KOREA;
  const [longitudes, latitudes] = [points.map(([east]) => east), points.map(([, north]) => north)];
  const pad = 0.05;
  return [
    [Math.min(...longitudes) - pad, Math.min(...latitudes) - pad],
    [Math.max(...longitudes) + pad, Math.max(...latitudes) + pad],
  ];
}

export function shapes(features: Feature[], projection: GeoProjection): Shape[] {
  const draw = geoPath(projection).digits(1);
  return features.map((feature) => ({
    id: areaOf(feature),
    name: nameOf(feature),
    path: draw(feature) ?? "",
    isArea: feature.geometry.type.endsWith("Polygon"),
    middle: draw.centroid(feature),
  }));
}

/** Where a site stands: its own point, else the middle of the district of its name. */
export function placeOf(site: string, map: OperatorsMap | null): Point | null {
  const own = map?.places[site];
  if (own) return own;
  const district = map?.features.find((each) => areaOf(each) === site || nameOf(each) === site);
  return district ? geoCentroid(district) : null;
}

/** Which of the places lie within a district: the hubs that an alert for it is also for. */
export const within = (district: Feature, places: Record<string, Point>): string[] =>
  Object.entries(places).flatMap(([site, place]) => (geoContains(district, place) ? [site] : []));

/** Natural Earth's coast, for who has no districts: a part of its own, fetched when it is drawn. */
export async function coast(): Promise<Feature[]> {
  const [{ feature }, { default: land }] = await Promise.all([import("topojson-client"), import("world-atlas/land-110m.json")]);
  const topology = land as unknown as import("topojson-specification").Topology;
  const found = feature(topology, topology.objects["land"] as import("topojson-specification").GeometryCollection);
  return "features" in found ? found.features : [found];
}

const STORE = "map";
const database = (userId: string) => openDB(`bongsu-map-${userId}`, 1, { upgrade: (opened) => void opened.createObjectStore(STORE) });

async function kept<T>(userId: string, name: string): Promise<T | null> {
  const held = await database(userId);
  const found = (await held.get(STORE, name)) as T | undefined;
  held.close();
  return found ?? null;
}

async function keep(userId: string, name: string, value: unknown): Promise<void> {
  const held = await database(userId);
  try {
    if (value) await held.put(STORE, value, name);
    else await held.delete(STORE, name);
  } finally {
    held.close();
  }
}

export const mapOf = (userId: string): Promise<OperatorsMap | null> => kept(userId, "map");
export const keepMap = (userId: string, map: OperatorsMap | null): Promise<void> => keep(userId, "map", map);

const TILES = "PMTiles";

/** Whether a file says that it is PMTiles, version 3. */
export async function isTiles(file: Blob): Promise<boolean> {
  const start = new Uint8Array(await file.slice(0, TILES.length + 1).arrayBuffer());
  return String.fromCharCode(...start.subarray(0, TILES.length)) === TILES && start[TILES.length] === 3;
}

export const tilesOf = (userId: string): Promise<Blob | null> => kept(userId, "tiles");

/** @throws DOMException where the device has no room for it */
export const keepTiles = (userId: string, file: Blob | null): Promise<void> => keep(userId, "tiles", file);
