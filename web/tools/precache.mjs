// After the build: tells the service worker which files the build has, and what it says while no page is open.
import { createHash } from "node:crypto";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";

const [folder] = process.argv.slice(2);
const worker = join(folder, "sw.js");
const paths = readdirSync(folder, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && !/\.(?:br|gz)$/.test(entry.name))
  .map((entry) => `/${relative(folder, join(entry.parentPath, entry.name))}`)
  // The administration is at another address, and never offline.
  .filter((path) => !/^\/(?:assets\/)?admin[.-]/.test(path))
  // Large, and for those few who laid tiles under the tower's map.
  .filter((path) => !/^\/assets\/maplibre/.test(path))
  .filter((path) => path !== "/sw.js" && !path.startsWith("/.") && path !== "/built")
  .sort();
const hash = createHash("sha256");
for (const path of paths) hash.update(path).update(readFileSync(join(folder, path)));
const files = { version: hash.digest("hex").slice(0, 12), paths };
const SAID = ["app_name", "notice_new", "tower_alerts", "status_exercise", "status_test", "alert_update", "alert_over"];
const texts = Object.fromEntries(
  ["ko", "en"].map((language) => {
    const all = JSON.parse(readFileSync(new URL(`../messages/${language}.json`, import.meta.url), "utf8"));
    return [language, Object.fromEntries(SAID.map((name) => [name, all[name]]))];
  }),
);
let text = readFileSync(worker, "utf8");
for (const [place, value] of Object.entries({ __FILES__: files, __TEXTS__: texts })) {
  const written = text.replace(new RegExp(`(["'\`])${place}\\1`), () => JSON.stringify(value));
  if (written === text) throw new Error(`sw.js has no ${place}`);
  text = written;
}
writeFileSync(worker, text);
