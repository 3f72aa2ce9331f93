// The administration in a browser: `node admin.mjs PUBLIC ADMIN FOLDER LANGUAGE WIDTH`. An account `boss` is an
// administrator, and has none of an authenticator yet.
import { drive, PASSWORD, step } from "./driver.mjs";
import { ask, code, eventually, register } from "./officers.mjs";

const [url, admin, folder, language, width] = process.argv.slice(2);
const { texts, person, like, button, shot, tell, allowed } = await drive(admin, folder, language, width);
allowed.push(url);

await tell(async () => {
  const mallory = await register(url, "mallory");
  const sora = await register(url, "sora");
  const { room_id: room } = await ask(url, "POST", "/createRoom", mallory.token, { name: "불법 도박", preset: "public_chat" });
  await ask(url, "POST", `/join/${encodeURIComponent(room)}`, sora.token, {});
  const { event_id: event } = await ask(url, "PUT", `/rooms/${encodeURIComponent(room)}/send/m.room.message/1`, mallory.token, { msgtype: "m.text", body: "싸게 팝니다" });
  await ask(url, "POST", `/rooms/${encodeURIComponent(room)}/report/${encodeURIComponent(event)}`, sora.token, { reason: "도박 광고" });
  const uploaded = await fetch(`${url}/_matrix/media/v3/upload`, { method: "POST", headers: { Authorization: `Bearer ${mallory.token}`, "Content-Type": "image/png" }, body: "ugly" });
  const media = (await uploaded.json()).content_uri.split("/").at(-1);
  const outside = await fetch(`${url}/admin`);
  if (outside.status !== 404) throw new Error(`the public address answers /admin with ${outside.status}`);

  const page = await person("boss", "/admin");
  page.on("dialog", (asked) => void asked.accept());
  const view = (key) => page.getByRole("navigation").getByRole("button", { name: texts[key], exact: true }).click();
  await page.getByLabel(texts.name, { exact: true }).fill("sora");
  await page.getByLabel(texts.password, { exact: true }).fill(PASSWORD);
  await shot(page, "90-admin-login");
  await button(page, "log_in").click();
  await page.getByRole("heading", { name: texts.admin_stranger }).waitFor();
  await shot(page, "91-admin-stranger");
  await button(page, "log_out").click();
  await page.getByLabel(texts.name, { exact: true }).fill("boss");
  await page.getByLabel(texts.password, { exact: true }).fill(PASSWORD);
  await button(page, "log_in").click();
  await button(page, "tower_enrol_start").click();
  await page.locator("code").waitFor();
  await shot(page, "92-admin-code");
  await page.getByLabel(texts.tower_code, { exact: true }).fill(code(await page.locator("code").textContent()));
  await button(page, "open").click();
  await page.getByText("@mallory:localhost").first().waitFor();
  await shot(page, "93-admin-accounts");
  step("an administrator gets in by password and code, and nobody else does");

  await view("admin_reports");
  await page.getByText("싸게 팝니다").waitFor();
  await shot(page, "94-admin-reports");
  await button(page, "admin_redact").click();
  await page.getByText(texts.admin_redacted).waitFor();
  await button(page, "admin_done").click();
  await page.getByText(like("admin_done")).waitFor({ state: "detached" });
  const { content } = await ask(url, "GET", `/rooms/${encodeURIComponent(room)}/event/${encodeURIComponent(event)}`, sora.token);
  if (Object.keys(content).length > 0) throw new Error("the message still stands");
  step("a report is read, the message taken back, the report done with");

  await view("admin_files");
  await button(page, "admin_hold").click();
  await page.getByText(texts.admin_held).waitFor();
  await shot(page, "95-admin-files");
  const file = () => fetch(`${url}/_matrix/client/v1/media/download/localhost/${media}`, { headers: { Authorization: `Bearer ${sora.token}` } });
  if ((await file()).status !== 404) throw new Error("a file that is held back was given out");
  await button(page, "admin_release").click();
  await eventually("the file is given out again", async () => (await file()).status === 200);
  await button(page, "admin_remove").click();
  await page.getByText(texts.admin_nothing).waitFor();
  step("a file is held back, given out again, and removed");

  await view("admin_rooms");
  await page.getByLabel(texts.admin_find_room).fill("도박");
  await button(page, "admin_search").click();
  await page.getByRole("button", { name: "불법 도박" }).click();
  await page.getByRole("button", { name: "sora" }).waitFor();
  await shot(page, "96-admin-room");
  await button(page, "admin_close").click();
  await page.getByText(texts.admin_closed).waitFor();
  const again = await ask(url, "POST", `/join/${encodeURIComponent(room)}`, sora.token, {}).catch(({ status }) => status);
  if (again !== 403) throw new Error(`a closed room answered ${again}`);
  step("a room is found, its members are seen, and it is closed");

  await view("admin_accounts");
  await page.getByLabel(texts.admin_find_account).fill("mallory");
  await button(page, "admin_search").click();
  await page.getByRole("button", { name: "mallory", exact: true }).click();
  await page.getByRole("heading", { name: texts.admin_devices }).waitFor();
  await shot(page, "97-admin-account");
  await button(page, "admin_password").click();
  const given = await page.getByRole("status").locator("code").textContent();
  const identifier = { type: "m.id.user", user: "mallory" };
  await ask(url, "POST", "/login", null, { type: "m.login.password", identifier, password: given });
  await button(page, "admin_end").click();
  await page.getByText(texts.admin_ended, { exact: true }).waitFor();
  const login = await ask(url, "POST", "/login", null, { type: "m.login.password", identifier, password: given }).catch(({ status }) => status);
  if (login !== 403) throw new Error(`an account that was ended answered ${login}`);
  step("an account gets a new password, and is ended");

  await view("admin_acts");
  for (const key of ["admin_end", "admin_password", "admin_close", "admin_remove", "admin_redact"]) await page.getByText(texts[key], { exact: true }).first().waitFor();
  await shot(page, "98-admin-record");
  step("all of it is on record");
});
