// A PMTiles file of one vector tile: water west of 128.7° east, land east of it, and a name.
const varint = (value) => {
  const bytes = [];
  for (let left = value; ; left = Math.floor(left / 128)) {
    if (left < 128) return Buffer.from([...bytes, left]);
    bytes.push((left % 128) | 128);
  }
};
const zigzag = (value) => (value < 0 ? -2 * value - 1 : 2 * value);
const field = (number, bytes) => Buffer.concat([varint(number * 8 + 2), varint(bytes.length), bytes]);
const whole = (number, value) => Buffer.concat([varint(number * 8), varint(value)]);
const packed = (number, values) => field(number, Buffer.concat(values.map(varint)));

function feature(type, commands, tags = []) {
  return field(2, Buffer.concat([packed(2, tags), whole(3, type), packed(4, commands)]));
}

/** @see https://github.com/mapbox/vector-tile-spec version 2 */
function layer(name, features, keys = [], values = []) {
  const said = [...keys.map((key) => field(3, Buffer.from(key))), ...values.map((value) => field(4, field(1, Buffer.from(value))))];
  return field(3, Buffer.concat([field(1, Buffer.from(name)), ...features, ...said, whole(5, 4096), whole(15, 2)]));
}

const moved = (east, south) => [zigzag(east), zigzag(south)];
const west = [9, ...moved(0, 0), 26, ...moved(3512, 0), ...moved(0, 4096), ...moved(-3512, 0), 15];
const town = [9, ...moved(3515, 1580)];
const TILE = Buffer.concat([layer("water", [feature(3, west)]), layer("places", [feature(1, town, [0, 0])], ["name"], ["강릉"])]);

/** Version 3, nothing compressed, one tile of zoom 0. */
export function pmtiles() {
  const directory = Buffer.concat([varint(1), varint(0), varint(1), varint(TILE.length), varint(1)]);
  const metadata = Buffer.from(JSON.stringify({ vector_layers: [{ id: "water", fields: {} }, { id: "places", fields: { name: "String" } }] }));
  const header = Buffer.alloc(127);
  header.write("PMTiles");
  header[7] = 3;
  const sizes = [127, directory.length, 127 + directory.length, metadata.length, 0, 0, 127 + directory.length + metadata.length, TILE.length, 1, 1, 1];
  sizes.forEach((size, index) => header.writeBigUInt64LE(BigInt(size), 8 + 8 * index));
  header.set([1, 1, 1, 1, 0, 0], 96);
  [128.6, 37.4, 129.2, 38].forEach((degree, index) => header.writeInt32LE(Math.round(degree * 1e7), 102 + 4 * index));
  header[118] = 0;
  [128.9, 37.7].forEach((degree, index) => header.writeInt32LE(Math.round(degree * 1e7), 119 + 4 * index));
  return Buffer.concat([header, directory, metadata, TILE]);
}
