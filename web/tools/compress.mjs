// After the build: puts a .br and a .gz beside every file that shrinks by it. The WASM takes long and seldom
// changes, so results are kept by content below node_modules.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const [folder] = process.argv.slice(2);
const cache = new URL("../node_modules/.cache/compressed/", import.meta.url).pathname;
const WORTH_BYTES = 1024;
const SHRINKS = /\.(?:js|css|html|svg|json|wasm|webmanifest)$/;
const ways = {
  br: (bytes) =>
    brotliCompressSync(bytes, {
      params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length },
    }),
  gz: (bytes) => gzipSync(bytes, { level: 9 }),
};

mkdirSync(cache, { recursive: true });
for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
  if (!entry.isFile() || !SHRINKS.test(entry.name)) continue;
  const path = join(entry.parentPath, entry.name);
  const bytes = readFileSync(path);
  if (bytes.length < WORTH_BYTES) continue;
  const hash = createHash("sha256").update(bytes).digest("hex");
  for (const [suffix, compress] of Object.entries(ways)) {
    const kept = join(cache, `${hash}.${suffix}`);
    if (!existsSync(kept)) writeFileSync(kept, compress(bytes));
    writeFileSync(`${path}.${suffix}`, readFileSync(kept));
  }
}
