// The first minute of a stranger: `node minute.mjs URL FOLDER LANGUAGE WIDTH`. A profile that has never been here finds
// controls only by the text that can be seen, and every field and every tap is counted.
import { drive, PASSWORD, step } from "./driver.mjs";

const [url, folder, language, width] = process.argv.slice(2);
const { texts, person, shows, tell } = await drive(url, folder, language, width);

/** A page used by somebody who sees texts and nothing else; `used` counts. */
function stranger(page) {
  const used = { fields: 0, taps: 0 };
  return {
    used,
    page,
    async tap(key) {
      used.taps++;
      await page.getByText(texts[key], { exact: true }).and(page.locator(":visible")).first().click();
    },
    /** Into the field that has this text above it or in it. */
    async fill(key, value) {
      used.fields++;
      const above = page.locator("label").filter({ hasText: texts[key] }).locator("input");
      await above.or(page.getByPlaceholder(texts[key], { exact: true })).first().fill(value);
    },
    enter: () => page.keyboard.press("Enter"),
  };
}

function within(used, fields, taps) {
  if (used.fields > fields || used.taps > taps)
    throw new Error(`${used.fields} fields and ${used.taps} taps, more than ${fields} and ${taps}`);
}

/** What the server holds of the newest message of the only room: an encrypted event, or the text in clear. */
const newest = (page) =>
  page.evaluate(async () => {
    const { accessToken } = JSON.parse(localStorage.getItem("bongsu.session"));
    const headers = { Authorization: `Bearer ${accessToken}` };
    const { joined_rooms } = await (await fetch("/_matrix/client/v3/joined_rooms", { headers })).json();
    const address = `/_matrix/client/v3/rooms/${encodeURIComponent(joined_rooms[0])}/messages?dir=b&limit=1`;
    return (await (await fetch(address, { headers })).json()).chunk[0].type;
  });

await tell(async () => {
  const first = stranger(await person("dalrae"));
  await first.fill("name", "dalrae");
  await first.fill("password", PASSWORD);
  await first.tap("register");
  await first.tap("show_my_link");
  const link = await first.page.getByText(/#\/u\/@dalrae/).textContent();

  const friend = stranger(await person("naru", `/${new URL(link).hash}`));
  await friend.fill("name", "naru");
  await friend.fill("password", PASSWORD);
  await friend.tap("register");
  await friend.page.getByPlaceholder(texts.write_message).waitFor();
  within(friend.used, 2, 1);
  step(`a friend is in the chat after ${friend.used.fields} fields and ${friend.used.taps} tap`);

  await first.tap("accept");
  await first.fill("write_message", "처음 보내는 말");
  await first.enter();
  await shows(friend.page, "처음 보내는 말");
  within(first.used, 3, 4);
  const type = await newest(first.page);
  if (type !== "m.room.encrypted") throw new Error(`the first message is on the server as ${type}`);
  step(`the first encrypted message is read after ${first.used.fields} fields and ${first.used.taps} taps`);
});
