// The unit tests need no build: the modules below src/matrix are plain TypeScript.
import { defineConfig } from "vitest/config";

// Opening a key's file takes a second of work by design, and many seconds where other tests want the processor too:
// five, as by default, failed it there.
export default defineConfig({ test: { include: ["tests/**/*.test.ts"], environment: "node", testTimeout: 60_000 } });
