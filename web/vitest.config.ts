// The unit tests need no build: the modules below src/matrix are plain TypeScript.
import { defineConfig } from "vitest/config";

export default defineConfig({ test: { include: ["tests/**/*.test.ts"], environment: "node" } });
