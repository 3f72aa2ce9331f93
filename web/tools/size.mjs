// Prints gzip sizes of what the first load needs, against the budgets; fails when one is over.
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

const folder = new URL("../../bongsu/web/", import.meta.url).pathname;
const manifest = JSON.parse(readFileSync(join(folder, ".vite/manifest.json"), "utf8"));
const BUDGETS = { shell: 60_000, sdk: 300_000 };

const size = (file) => statSync(join(folder, existsSync(join(folder, `${file}.gz`)) ? `${file}.gz` : file)).size;

function reached(key, seen = new Set()) {
  if (seen.has(key)) return seen;
  seen.add(key);
  for (const each of manifest[key].imports ?? []) reached(each, seen);
  return seen;
}

const filesOf = (keys) =>
  new Set([...keys].flatMap((key) => [manifest[key].file, ...(manifest[key].css ?? [])]));
const total = (files) => [...files].reduce((sum, file) => sum + size(file), 0);

const entry = "index.html";
const shell = filesOf(reached(entry));
const sdkKey = Object.keys(manifest).find((key) => key.endsWith("screens/Main.svelte"));
const sdk = filesOf(reached(sdkKey)).difference?.(shell) ?? new Set([...filesOf(reached(sdkKey))].filter((f) => !shell.has(f)));
const sizes = { shell: total(shell), sdk: total(sdk) };
let over = false;
for (const [name, bytes] of Object.entries(sizes)) {
  const fits = bytes <= BUDGETS[name];
  over ||= !fits;
  console.log(`${name.padEnd(6)} ${String(bytes).padStart(8)} B gzip of ${BUDGETS[name]} ${fits ? "" : "OVER"}`);
}
for (const { file } of Object.values(manifest))
  if (file.endsWith(".wasm")) console.log(`wasm   ${String(statSync(join(folder, `${file}.br`)).size).padStart(8)} B brotli`);
process.exit(over ? 1 : 0);
