// After the build: tells the service worker which files the build has.
import { createHash } from "node:crypto";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";

const [folder] = process.argv.slice(2);
const worker = join(folder, "sw.js");
const paths = readdirSync(folder, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && !/\.(?:br|gz)$/.test(entry.name))
  .map((entry) => `/${relative(folder, join(entry.parentPath, entry.name))}`)
  .filter((path) => path !== "/sw.js" && !path.startsWith("/.") && path !== "/built")
  .sort();
const hash = createHash("sha256");
for (const path of paths) hash.update(path).update(readFileSync(join(folder, path)));
const files = { version: hash.digest("hex").slice(0, 12), paths };
const text = readFileSync(worker, "utf8");
const written = text.replace(/(["'`])__FILES__\1/, () => JSON.stringify(files));
if (written === text) throw new Error("sw.js has no place for the list of files");
writeFileSync(worker, written);
