// Sizes are written by one rule, and no line of facts begins with a dot.
import { expect, test } from "vitest";
import { dotted, size } from "../src/parts/phrases";

test.each([
  [0, "0 B"],
  [999, "999 B"],
  [1_000, "1 kB"],
  [64_600, "64.6 kB"],
  [100_400, "100 kB"],
  [999_600, "1 MB"],
  [1_250_000, "1.3 MB"],
  [50_000_000_000_000, "50,000 GB"],
])("%s bytes are %s", (bytes, written) => {
  expect(size(bytes)).toBe(written);
});

test("what is not there leaves no dot", () => {
  expect(dotted("", "경포")).toBe("경포");
  expect(dotted("산불", "경포")).toBe("산불\u00a0· 경포");
});
