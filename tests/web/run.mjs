// The web client in a real browser: `node run.mjs URL FOLDER LANGUAGE WIDTH`. Two people, all day long.
// Prints one line a step; screenshots of every screen go to FOLDER.
import { readFileSync } from "node:fs";
import { drive, dropVideo, kitOf, look, step } from "./driver.mjs";

const [url, folder, language, width] = process.argv.slice(2);
const narrow = Number(width) < 900;
const { texts, person, like, button, dialog, tab, shows, shot, register, logIn, write, say, pushes, menu, act, tell } = await drive(
  url,
  folder,
  language,
  width,
);
const PHOTO = new URL("photo.png", import.meta.url).pathname;

async function toChats(page) {
  if (narrow) await button(page, "back").click();
  await tab(page, "chats");
}

async function meet() {
  const sora = await person("sora");
  await shot(sora, "01-welcome");
  await register(sora, "sora");
  await sora.getByText(texts.no_chats, { exact: true }).waitFor();
  await shot(sora, "02-no-chats");
  step("sora makes an account with two fields and one tap");

  if (Number(width) >= 900) {
    await sora.getByRole("button", { name: texts.lobby_group_hint }).click();
    await sora.getByLabel(texts.group_name).waitFor();
    await sora.getByRole("button", { name: texts.lobby_find_hint }).click();
    await sora.getByRole("searchbox", { name: texts.search_friends }).waitFor();
    step("beside the list a wide screen says what one can do");
  }

  await tab(sora, "me");
  const link = await sora.getByRole("link", { name: /#\/u\// }).getAttribute("href");
  await sora.getByText(texts.export_data).waitFor();
  await shot(sora, "03-me");
  step("sora has a link and a QR to give");

  const bada = await person("bada", `/${new URL(link).hash}`);
  await bada.getByText(texts.welcome_friend.replace("{name}", "sora")).waitFor();
  await shot(bada, "04-invited-by-link");
  await register(bada, "bada");
  await bada.getByLabel(texts.write_message).waitFor();
  step("bada opens the link, fills in two fields and is in the chat");

  await say(bada, "소라야, 여기 괜찮다!");
  await shows(bada, "소라야, 여기 괜찮다!");
  await tab(sora, "chats");
  await button(sora, "accept").waitFor();
  await shot(sora, "05-invitation");
  await button(sora, "accept").click();
  await shows(sora, "소라야, 여기 괜찮다!");
  step("sora accepts and reads what bada wrote before, decrypted");
  return { sora, bada };
}

async function chat(sora, bada) {
  await say(sora, "어서 와 바다야 😀");
  await shows(bada, "어서 와 바다야 😀");
  await say(bada, "오늘 저녁에 마을 회관에서 봐. 주소는 https://example.org/map 이야.");
  await sora.getByRole("log").getByRole("link").waitFor();
  await say(sora, "응 🙌");
  await shows(bada, "응 🙌");
  await sora.getByText(texts.encrypted).waitFor();
  await bada.getByLabel(texts.write_message).pressSequentially("@so");
  await sora.getByText(like("typing")).first().waitFor();
  await button(bada, "mention").or(bada.getByRole("button", { name: "@sora" })).click();
  await bada.keyboard.type("잊지 마");
  await bada.keyboard.press("Enter");
  await sora.locator(".mention").getByText("@sora").waitFor();
  await shot(sora, "06-room");
  await shot(bada, "06-room-bada");
  step("they chat, encrypted, see each other write and call each other by name");

  const firstKit = await kitOf(sora);
  await sora.reload();
  await shows(sora, "응 🙌");
  await shows(sora, "소라야, 여기 괜찮다!");
  step("after a reload the history is there");
  return firstKit;
}

async function offline(sora, bada) {
  await sora.context().setOffline(true);
  await say(sora, "끊긴 동안 쓴 첫 번째");
  await say(sora, "끊긴 동안 쓴 두 번째");
  await sora.getByTitle(texts.sending).nth(1).waitFor();
  await sora.getByText(like("strip_offline")).waitFor();
  await shot(sora, "07-offline");
  await sora.evaluate(async () => {
    await navigator.serviceWorker.ready;
    dispatchEvent(new Event("pagehide"));
  });
  await sora.reload();
  await sora.getByTitle(texts.sending).nth(1).waitFor();
  await shows(sora, "응 🙌");
  step("reloaded without a network it opens, with its history and what waits");
  await sora.context().setOffline(false);
  await shows(bada, "끊긴 동안 쓴 두 번째");
  await sora.getByTitle(texts.sending).first().waitFor({ state: "detached" });
  const bodies = await bada.getByRole("log").getByText(/^끊긴 동안/).allTextContents();
  if (bodies.map((body) => body.trim()).join() !== "끊긴 동안 쓴 첫 번째,끊긴 동안 쓴 두 번째")
    throw new Error(`what was written offline arrived as ${bodies}`);
  step("what is written offline goes out later, in order, once");
}

async function answer(sora, bada) {
  await act(bada, "끊긴 동안 쓴 첫 번째", texts.react.replace("{emoji}", "❤️"));
  await sora.getByRole("button", { name: "❤️ 1" }).waitFor();
  await act(sora, "끊긴 동안 쓴 첫 번째", texts.edit);
  await say(sora, "끊긴 동안 쓴 글, 고침");
  await shows(bada, "끊긴 동안 쓴 글, 고침");
  await act(bada, "끊긴 동안 쓴 글, 고침", texts.reply);
  await say(bada, "잘 왔어");
  await shows(sora, "잘 왔어");
  await act(sora, "끊긴 동안 쓴 두 번째", texts.delete);
  await bada.getByText(texts.deleted).waitFor();
  step("they react, edit, reply and delete");

  await menu(bada, "잘 왔어");
  await bada.getByText(like("kept_here")).or(bada.getByText(new RegExp(texts.kept_here.replace("{site}", ".+")))).waitFor();
  await shot(bada, "08-message");
  await pushes(sora, async () => {
    await dialog(bada, "notice_up").click();
    await sora.getByRole("complementary", { name: texts.notices }).getByText("잘 왔어").waitFor();
  });
  step("a tap says where a message is kept; a notice goes up for both");
}

/** What a finger finds: the menu within a file's bubble, beside its words, and the same wherever it rests. */
async function touch(page) {
  const file = page.locator(".message").filter({ hasText: "소식.txt" });
  const menu = file.getByLabel(texts.more, { exact: true });
  const [at, words] = await Promise.all([menu, file.locator(".words")].map((each) => each.boundingBox()));
  if (at.x < words.x + words.width) throw new Error("the menu covers what the file is called");
  await menu.tap();
  await dialog(page, "reply").waitFor();
  await page.keyboard.press("Escape");
  const rests = { bubbles: true, cancelable: true, pointerType: "touch" };
  const image = page.getByRole("button", { name: "photo.png" });
  await image.evaluate((it, rests) => it.dispatchEvent(new PointerEvent("contextmenu", rests)), rests);
  await dialog(page, "reply").waitFor();
  await page.keyboard.press("Escape");
  step("a finger finds what can be done with a file and a photo");
}

async function media(sora, bada) {
  const picker = sora.locator(".composer input[type=file]");
  await picker.setInputFiles(PHOTO);
  await bada.getByRole("button", { name: "photo.png" }).getByRole("img").waitFor();
  await shot(bada, "09-photo");
  await bada.getByRole("button", { name: "photo.png" }).click();
  await bada.getByRole("dialog").getByRole("img").waitFor();
  await shot(bada, "10-lightbox");
  await bada.keyboard.press("Escape");
  step("sora sends a photo, bada looks at it");

  await picker.setInputFiles({ name: "거짓.png", mimeType: "image/png", buffer: Buffer.from("no photo at all") });
  await sora.getByRole("alert").getByText(texts.photo_bad.replace("{name}", "거짓.png")).waitFor();
  await picker.setInputFiles({ name: "소식.txt", mimeType: "text/plain", buffer: Buffer.from("마을 소식") });
  const fetched = bada.waitForEvent("download");
  await bada.getByRole("button", { name: /소식\.txt/ }).click();
  if (readFileSync(await (await fetched).path(), "utf8") !== "마을 소식") throw new Error("the file arrived changed");
  step("a file arrives as it was; a photo that is none is told, not sent");

  if (narrow) await touch(bada);

  await dropVideo(sora, "불.webm");
  await bada.getByRole("button", { name: "불.webm" }).getByRole("img").waitFor();
  await look(bada, "불.webm");
  await bada.keyboard.press("Escape");
  step("a video that is dropped into the chat plays on the other side");

  await button(sora, "voice_record").click();
  await sora.getByText(texts.recording).waitFor();
  await shot(sora, "11-recording");
  await button(sora, "send").click();
  await bada.getByRole("log").getByRole("button", { name: new RegExp(texts.voice) }).click();
  const playing = bada.locator("audio");
  if ((await playing.boundingBox()).width < 150) throw new Error("a voice message has no room to be played in");
  await playing.evaluate(async (audio) => {
    if (audio.readyState < 2) await new Promise((done) => audio.addEventListener("loadeddata", done));
  });
  step("a voice message is recorded, sent and heard");

  const long = "긴글 ".repeat(8_000);
  await write(sora, long);
  await sora.keyboard.press("Enter");
  await sora.getByRole("alert").getByText(texts.error_long).waitFor();
  if ((await sora.getByLabel(texts.write_message).inputValue()).length < 20_000) throw new Error("the long text is gone");
  await sora.getByLabel(texts.write_message).fill("");
  step("a text that is too long is told, and stays where it was written");
}

async function arrange(sora, bada) {
  await button(sora, "room_info").click();
  await sora.getByRole("dialog").getByText(texts.members.replace("{count}", "2")).waitFor();
  await sora.getByRole("dialog").getByLabel(texts.pin_chat).check();
  await sora.getByRole("dialog").getByLabel(texts.mute_chat).check();
  await shot(sora, "12-room-info");
  await sora.keyboard.press("Escape");
  await toChats(sora);
  await sora.getByText(texts.pinned_chat).first().waitFor({ state: "attached" });
  await sora.getByText(texts.muted, { exact: true }).first().waitFor({ state: "attached" });
  await shot(sora, "13-chats");
  await sora.getByLabel(texts.search_chats).fill("회관에");
  await sora.getByRole("button", { name: /마을 회관에서 봐/ }).locator("mark").getByText("회관에").waitFor();
  await shot(sora, "14-search");
  await sora.getByRole("button", { name: /마을 회관에서 봐/ }).click();
  await sora.locator(".message.sought").getByText("마을 회관에서 봐").waitFor();
  step("a chat is pinned and muted; part of a word finds an encrypted message, a tap leads to it");

  if (narrow) await button(sora, "back").click();
  await tab(sora, "friends");
  await sora.getByLabel(texts.search_friends).fill("ba");
  await sora.getByRole("button", { name: "bada" }).first().waitFor();
  await sora.getByLabel(texts.search_friends).fill("byeol");
  await sora.getByText(texts.directory).waitFor();
  await sora.getByRole("button", { name: /^byeol/ }).first().waitFor();
  step("sora finds bada among the friends, and byeol in the town's directory");

  await sora.getByLabel(texts.search_friends).fill("");
  await sora.getByRole("button", { name: texts.my_profile }).click();
  const own = sora.getByRole("dialog");
  await own.getByLabel(texts.status).fill("회관에 있어요");
  await own.locator("input[type=file]").setInputFiles(PHOTO);
  await own.locator(".avatar img").waitFor();
  await dialog(sora, "save").click();
  await own.getByText(texts.saved).waitFor();
  await shot(sora, "24-my-profile");
  await sora.keyboard.press("Escape");
  await sora.getByText("회관에 있어요").waitFor();
  await shot(sora, "15-friends");
  if (narrow) await button(bada, "back").click();
  await tab(bada, "friends");
  await bada.getByRole("button", { name: "sora" }).first().click();
  await bada.getByRole("dialog").getByText("회관에 있어요").waitFor();
  await bada.getByRole("dialog").locator(".avatar img").waitFor();
  await bada.getByRole("dialog").getByLabel(texts.favourite).check();
  await bada.locator("li.part").getByText(texts.favourites).waitFor();
  await shot(bada, "25-profile");
  await dialog(bada, "talk").click();
  await bada.getByLabel(texts.write_message).waitFor();
  step("sora shows a picture and how things are; bada sees it and keeps sora on top");
}

async function verify(sora, bada) {
  await tab(sora, "chats");
  await sora.getByRole("button", { name: /bada/ }).last().click();
  await button(sora, "room_info").click();
  await dialog(sora, "verify").click();
  await dialog(bada, "verify_begin").click();
  await sora.getByText(like("verify_compare")).waitFor();
  await bada.getByText(like("verify_compare")).waitFor();
  const [one, other] = await Promise.all([sora, bada].map((page) => page.getByRole("dialog").locator("li").allTextContents()));
  if (one.length !== 7 || one.join() !== other.join()) throw new Error(`the emoji differ: ${one} / ${other}`);
  await shot(sora, "16-emoji");
  await dialog(sora, "verify_same").click();
  await dialog(bada, "verify_same").click();
  for (const page of [sora, bada]) {
    await page.getByText(like("verify_done")).waitFor();
    await page.getByRole("dialog").getByRole("button", { name: texts.close, exact: true }).last().click();
  }
  step("they compare seven emoji");
}

async function newPhone(sora, bada, firstKit) {
  await toChats(sora);
  await button(sora, "kit_show").first().click();
  const kit = await sora.getByRole("dialog").locator("code").textContent();
  if (kit !== firstKit) throw new Error("the recovery kit changed: one put away before is worth nothing");
  await shot(sora, "17-kit");
  const saved = sora.waitForEvent("download");
  await button(sora, "kit_picture").click();
  const picture = await (await saved).path();
  const phone = await person("new-phone");
  await logIn(phone, "sora");
  await phone.getByText(texts.kit_needed).waitFor();
  await phone.getByRole("button", { name: /bada/ }).first().click();
  const log = phone.getByRole("log");
  await log.getByText(texts.waiting_key).first().waitFor();
  // However old they are: here they have just come, and so may their keys.
  if ((await log.getByText(texts.unreadable).count()) > 0) throw new Error("a message is given up at once");
  await phone.getByRole("complementary", { name: texts.notices }).getByText(texts.waiting_key).waitFor();
  if ((await phone.getByText(/Unable to decrypt/).count()) > 0) throw new Error("the page shows the SDK's own words");
  await shot(phone, "26-waiting-for-keys");
  if (narrow) await button(phone, "back").click();
  await button(phone, "kit_enter").first().click();
  await shot(phone, "18-kit-needed");
  await phone.getByRole("dialog").locator("input[type=file]").setInputFiles(PHOTO);
  await phone.getByText(texts.kit_no_qr).waitFor();
  await phone.getByRole("dialog").locator("input[type=file]").setInputFiles({
    name: "kit.png",
    mimeType: "image/png",
    buffer: readFileSync(picture),
  });
  // On a wide screen the chat stands beside, and each line of it becomes another.
  await pushes(phone, async () => {
    await phone.getByText(texts.kit_done).waitFor();
    await phone.keyboard.press("Escape");
    await phone.getByRole("button", { name: /bada/ }).click();
    await phone.getByRole("complementary", { name: texts.notices }).getByText("잘 왔어").waitFor();
    await shows(phone, "끊긴 동안 쓴 글, 고침");
  });
  await phone.getByRole("log").hover();
  const oldest = phone.getByRole("log").getByText("소라야, 여기 괜찮다!", { exact: true });
  // As a person does: up, and up again when more has come.
  for (let turns = 0; turns < 60 && !(await oldest.isVisible()); turns++) {
    await phone.mouse.wheel(0, -3000);
    await phone.evaluate(() => new Promise((done) => setTimeout(done, 200)));
  }
  await oldest.waitFor();
  await say(phone, "새 전화로도 잘 보여");
  await shows(bada, "새 전화로도 잘 보여");
  await shot(phone, "19-new-phone");
  step("with name, password and the kit's picture a new phone reads all history");
  return phone;
}

async function leave(sora, phone) {
  await tab(sora, "me");
  await sora.getByText(texts.export_data).waitFor();
  const zip = sora.waitForEvent("download");
  await button(sora, "export_start").click();
  const bytes = readFileSync(await (await zip).path());
  for (const name of ["account.json", "/messages.json", "photo.png"])
    if (!bytes.includes(name)) throw new Error(`the zip lacks ${name}`);
  if (!bytes.includes("끊긴 동안 쓴 글, 고침")) throw new Error("the zip lacks what was said");
  step("sora takes all data along, decrypted, in one zip");

  await sora.getByLabel(texts.theme).selectOption("dark");
  await sora.getByLabel(texts.text_size).check();
  await shot(sora, "20-me-dark-large");
  await tab(sora, "chats");
  await shot(sora, "21-chats-dark-large");
  await sora.getByRole("button", { name: /bada/ }).last().click();
  await shows(sora, "새 전화로도 잘 보여");
  await shot(sora, "22-room-dark-large");
  if (narrow) await button(sora, "back").click();
  await tab(sora, "me");
  await button(sora, "sign_out").first().click();
  await sora.getByRole("dialog").getByLabel(texts.password).fill("wrong password");
  await dialog(sora, "sign_out").click();
  await sora.getByText(texts.error_password).waitFor();
  await sora.getByRole("dialog").getByLabel(texts.password).fill("봉수대 다섯 개");
  await dialog(sora, "sign_out").click();
  await phone.getByText(texts.logged_out).waitFor();
  step("sora signs the other device out; it says so");
  await button(sora, "leave_service").click();
  await sora.getByRole("dialog").getByLabel(texts.password).fill("봉수대 다섯 개");
  await shot(sora, "23-leave");
  await dialog(sora, "leave_service").click();
  await sora.getByText(texts.left_service).waitFor();
  step("sora leaves the service");
}

await tell(async () => {
  const byeol = await person("byeol");
  await register(byeol, "byeol");
  await byeol.getByText(texts.no_chats, { exact: true }).waitFor();
  // The directory names whoever is in a room that anybody may join.
  await byeol.evaluate(async () => {
    const { accessToken } = JSON.parse(localStorage.getItem("bongsu.session"));
    await fetch("/_matrix/client/v3/createRoom", {
      method: "POST",
      headers: { Authorization: `Bearer ${accessToken}` },
      body: JSON.stringify({ name: "우리 동네", preset: "public_chat", visibility: "public" }),
    });
  });
  await byeol.getByRole("button", { name: /우리 동네/ }).waitFor();
  const { sora, bada } = await meet();
  const firstKit = await chat(sora, bada);
  await offline(sora, bada);
  await answer(sora, bada);
  await media(sora, bada);
  await arrange(sora, bada);
  await verify(sora, bada);
  const phone = await newPhone(sora, bada, firstKit);
  await leave(sora, phone);
});
