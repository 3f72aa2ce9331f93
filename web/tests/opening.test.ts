// The encryption opens without a network, and only while it opens is it told a server failed.
import { expect, test } from "vitest";
import { whileOpening } from "../src/matrix/opening";

const away = () => Promise.reject(new TypeError("Failed to fetch"));
const QUERY = "https://x.example/_matrix/client/v3/keys/query";

test("without a network the question for keys is answered, everything else fails", async () => {
  const opening = whileOpening(away, "x.example");
  const answer = await opening.fetchFn(QUERY);
  expect(await answer.json()).toEqual({ device_keys: {}, failures: { "x.example": {} } });
  await expect(opening.fetchFn("https://x.example/_matrix/client/v3/sync")).rejects.toThrow("Failed");
  opening.done();
  await expect(opening.fetchFn(QUERY)).rejects.toThrow("Failed");
});
