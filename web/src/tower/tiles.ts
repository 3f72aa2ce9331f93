// A detailed map for the tower: one PMTiles file that an operator gives; nothing is fetched for it.
import type { Feature, Point as PointOf } from "geojson";
import type { LayerSpecification, Map as TileMap, StyleSpecification } from "maplibre-gl";
import { geoBounds } from "d3-geo";
import { PMTiles, Protocol, TileType, type Header, type RangeResponse, type Source } from "pmtiles";
import type { Point } from "./map";

export interface Mark {
  name: string;
  kind: "up" | "away" | "help" | "scene";
  place: Point;
}

export interface Overlay {
  features: Feature[];
  /** What stands for the district: a real alert, or an exercise's alone. */
  alarm: (feature: Feature) => "real" | "exercise" | "none";
  marks: Mark[];
}

const FONT = ["sans-serif"];
const COLOURS = { help: "#c3161f", away: "#c3161f", up: "#1f8a5b", scene: "#ffb100" } as const;

/** Reads a file in pieces: a country's map does not fit into memory. */
export class BlobSource implements Source {
  constructor(private readonly file: Blob) {}

  getKey = (): string => "operators";

  async getBytes(offset: number, length: number): Promise<RangeResponse> {
    return { data: await this.file.slice(offset, offset + length).arrayBuffer() };
  }
}

/** What a map of unknown layers looks like: water blue, land light, lines thin, the names of places. */
export function styleOf(header: Pick<Header, "tileType" | "minZoom" | "maxZoom">, layers: { id: string }[], dark: boolean): StyleSpecification {
  const source = "operators";
  const [land, water, line, text] = dark ? ["#2a2723", "#1c2b33", "#6d655b", "#ffffff"] : ["#f7f3ea", "#b9d6e4", "#a79f92", "#1c1c1c"];
  const background: LayerSpecification = { id: "land", type: "background", paint: { "background-color": land } };
  const base = { version: 8 as const, sources: {} as StyleSpecification["sources"] };
  const url = `pmtiles://${source}`;
  if (header.tileType !== TileType.Mvt) {
    base.sources[source] = { type: "raster", url, tileSize: 256 };
    return { ...base, layers: [background, { id: "picture", type: "raster", source }] };
  }
  base.sources[source] = { type: "vector", url };
  const drawn = layers.flatMap(({ id }): LayerSpecification[] => {
    const wet = /water|ocean|sea|river|lake/iu.test(id);
    const common = { source, "source-layer": id };
    return [
      { ...common, id: `${id} areas`, type: "fill", filter: ["==", ["geometry-type"], "Polygon"], paint: { "fill-color": wet ? water : line, "fill-opacity": wet ? 1 : 0.12 } },
      { ...common, id: `${id} lines`, type: "line", filter: ["==", ["geometry-type"], "LineString"], paint: { "line-color": wet ? water : line, "line-width": ["interpolate", ["linear"], ["zoom"], 6, 0.4, 14, 2] } },
    ];
  });
  const names = layers.map(({ id }): LayerSpecification => ({
    id: `${id} names`,
    type: "symbol",
    source,
    "source-layer": id,
    filter: ["all", ["==", ["geometry-type"], "Point"], ["has", "name"]],
    layout: { "text-field": ["coalesce", ["get", "name:ko"], ["get", "name"]], "text-font": FONT, "text-size": 12 },
    paint: { "text-color": text, "text-halo-color": land, "text-halo-width": 1.2 },
  }));
  return { ...base, layers: [background, ...drawn, ...names] };
}

/** The districts and what stands in them, as layers over the map. */
function overlaid({ features, alarm, marks }: Overlay) {
  const districts = features.map((feature) => ({ ...feature, properties: { ...feature.properties, alarm: alarm(feature) } }));
  const points = marks.map(({ name, kind, place }) => ({ type: "Feature" as const, geometry: { type: "Point", coordinates: place } satisfies PointOf, properties: { name, colour: COLOURS[kind] } }));
  return { districts: { type: "FeatureCollection" as const, features: districts }, marks: { type: "FeatureCollection" as const, features: points } };
}

const LAYERS: LayerSpecification[] = [
  { id: "warned", type: "fill", source: "districts", filter: ["==", ["get", "alarm"], "real"], paint: { "fill-color": "#f3b48d", "fill-opacity": 0.55 } },
  { id: "districts", type: "line", source: "districts", paint: { "line-color": "#5d564c", "line-width": 1.5 } },
  { id: "drilled", type: "line", source: "districts", filter: ["==", ["get", "alarm"], "exercise"], paint: { "line-color": "#ffd400", "line-width": 5, "line-dasharray": [2, 1] } },
  { id: "marks", type: "circle", source: "marks", paint: { "circle-radius": 7, "circle-color": ["get", "colour"], "circle-stroke-color": "#ffffff", "circle-stroke-width": 2 } },
  {
    id: "names of marks",
    type: "symbol",
    source: "marks",
    layout: { "text-field": ["get", "name"], "text-font": FONT, "text-size": 14, "text-anchor": "left", "text-offset": [0.9, 0] },
    paint: { "text-color": "#1c1c1c", "text-halo-color": "#ffffff", "text-halo-width": 2 },
  },
];

export interface Drawn {
  show: (overlay: Overlay) => void;
  remove: () => void;
}

/**
 * Draws the file with what stands on it.
 *
 * @param tapped is told where the map is tapped
 * @throws Error when the file cannot be read, or this device draws no such maps
 */
export async function drawTiles(element: HTMLElement, file: Blob, overlay: Overlay, dark: boolean, tapped: (place: Point) => void): Promise<Drawn> {
  const archive = new PMTiles(new BlobSource(file));
  const [header, metadata] = [await archive.getHeader(), (await archive.getMetadata()) as { vector_layers?: { id: string }[] }];
  const [maplibre, { default: worker }] = await Promise.all([import("maplibre-gl"), import("maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url"), import("maplibre-gl/dist/maplibre-gl.css")]);
  maplibre.setWorkerUrl(worker);
  const protocol = new Protocol();
  protocol.add(archive);
  maplibre.addProtocol("pmtiles", protocol.tile);
  const map: TileMap = new maplibre.Map({
    container: element,
    style: styleOf(header, metadata.vector_layers ?? [], dark),
    bounds: overlay.features.length > 0 ? geoBounds({ type: "FeatureCollection", features: overlay.features }) : [header.minLon, header.minLat, header.maxLon, header.maxLat],
    fitBoundsOptions: { padding: 24 },
    attributionControl: false,
    dragRotate: false,
    pitchWithRotate: false,
  });
  map.addControl(new maplibre.NavigationControl({ showCompass: false }));
  map.on("click", ({ lngLat }) => tapped([lngLat.lng, lngLat.lat]));
  const remove = () => {
    map.remove();
    maplibre.removeProtocol("pmtiles");
  };
  try {
    await new Promise<void>((resolve, reject) => {
      map.once("load", () => resolve());
      map.once("error", ({ error }) => reject(error));
    });
  } catch (error) {
    remove();
    throw error;
  }
  const first = overlaid(overlay);
  map.addSource("districts", { type: "geojson", data: first.districts });
  map.addSource("marks", { type: "geojson", data: first.marks });
  for (const layer of LAYERS) map.addLayer(layer);
  return {
    show(next) {
      for (const [name, data] of Object.entries(overlaid(next))) map.getSource<import("maplibre-gl").GeoJSONSource>(name)?.setData(data);
    },
    remove,
  };
}
