// A data centre burns under people who chat: `node sites.mjs LAB FOLDER LANGUAGE`, where LAB is the folder of a running
// `bongsu lab`. They go on at another site; a PC that was never here logs in there and has everything back.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { drive, dropVideo, kitOf, look, step } from "./driver.mjs";

const [lab, folder, language] = process.argv.slice(2);
const { nodes, nats } = JSON.parse(readFileSync(join(lab, "lab.json"), "utf8"));
const [burning, next, last] = nodes;
const PHONE = 360;
const PC = 1280;
const MOVED_MS_MAX = 10_000;
const PHOTO = new URL("photo.png", import.meta.url).pathname;
const { texts, person, register, logIn, say, shows, shot, tab, button, tell, allowed } = await drive(burning.url, folder, language, PHONE);
allowed.push(next.url, last.url);

/** The power is gone, for the node and for what carries its records to the others. */
function burn({ site }) {
  for (const process_ of [...nodes, ...nats].filter((each) => each.site === site)) process.kill(process_.pid, "SIGKILL");
}

const sendPhoto = (page) => page.locator(".composer input[type=file]").setInputFiles(PHOTO);
const picture = (page, name) => page.getByRole("button", { name }).getByRole("img").last();

await tell(async () => {
  const nari = await person("nari");
  await register(nari, "nari");
  await nari.getByText(texts.no_chats, { exact: true }).waitFor();
  await tab(nari, "me");
  const link = await nari.getByRole("link", { name: /#\/u\// }).getAttribute("href");
  const dori = await person("dori", `/${new URL(link).hash}`);
  await register(dori, "dori");
  await dori.getByLabel(texts.write_message).waitFor();
  await button(nari, "accept").click();
  await say(nari, "불이 나기 전");
  await shows(dori, "불이 나기 전");
  await sendPhoto(nari);
  await picture(dori, "photo.png").waitFor();
  const kit = await kitOf(nari);
  step("two people chat at the first site and send a photo");

  burn(burning);
  const burntMs = Date.now();
  for (let number = 1; number <= 3; number++) await say(nari, `불이 난 뒤 ${number}`);
  await dori.getByRole("log").getByText("불이 난 뒤 3", { exact: true }).waitFor({ timeout: MOVED_MS_MAX });
  const movedMs = Date.now() - burntMs;
  await say(dori, "여기도 잘 와");
  await shows(nari, "여기도 잘 와");
  for (const page of [nari, dori]) await page.getByText(texts.strip_elsewhere.replace("{site}", next.site)).waitFor();
  await shot(nari, "40-after-the-fire");
  step(`the first site burns: both go on at the second after ${movedMs} ms, without a log-in`);

  const pc = await person("pc", next.url, PC);
  await logIn(pc, "nari");
  await button(pc, "kit_enter").first().click();
  await pc.getByRole("dialog").getByRole("textbox").fill(kit);
  await pc.getByRole("dialog").getByRole("button", { name: texts.open, exact: true }).click();
  await pc.getByText(texts.kit_done).waitFor();
  await pc.keyboard.press("Escape");
  await pc.getByRole("button", { name: /dori/ }).first().click();
  await shows(pc, "불이 나기 전");
  await look(pc, "photo.png");
  await shot(pc, "41-photo-from-before");
  await pc.keyboard.press("Escape");
  step("a PC that was never here logs in at the second site, reads what was said and opens the photo from before");

  await say(pc, "새 컴퓨터에서");
  await sendPhoto(pc);
  await shows(dori, "새 컴퓨터에서");
  await picture(dori, "photo.png").nth(0).waitFor();
  await dropVideo(pc, "불.webm");
  await picture(dori, "불.webm").waitFor();
  await look(dori, "불.webm");
  await dori.keyboard.press("Escape");
  await shot(pc, "42-new-pc");
  const wanted = ["불이 나기 전", "불이 난 뒤 1", "불이 난 뒤 2", "불이 난 뒤 3", "여기도 잘 와", "새 컴퓨터에서"];
  for (const page of [nari, dori, pc]) {
    await picture(page, "불.webm").waitFor();
    const said = (await page.getByRole("log").locator(".text").allTextContents()).map((text) => text.trim());
    if (said.join() !== wanted.join()) throw new Error(`after the fire the chat reads: ${said.join(" / ")}`);
    const photos = await page.getByRole("button", { name: "photo.png" }).count();
    if (photos !== 2) throw new Error(`after the fire there are ${photos} photos, not 2`);
  }
  // From the page that came from the site that is gone, too: what is written after a photo waits for it.
  await sendPhoto(nari);
  await say(nari, "사진 다음에 쓴 말");
  await shows(dori, "사진 다음에 쓴 말");
  step("it sends a photo and a video; nothing is lost, nothing twice, in order, on all three");
});
