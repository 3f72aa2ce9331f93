// The client at two sites: `node moving.mjs URL FOLDER LANGUAGE WIDTH`. Two proxies stand before one server and play the
// sites; one of them falls silent, as a site that burns does, while people write. Nothing may be lost or said twice.
import { createServer, request } from "node:http";
import { drive, step } from "./driver.mjs";

const [url, folder, language, width] = process.argv.slice(2);
const upstream = new URL(url);
const sites = [];

/** A site: passes everything on, until it hangs. */
async function site(name) {
  const self = { name, hangs: false, answered: 0, sockets: new Set() };
  const server = createServer((asked, answer) => {
    // A burnt site does not refuse: it takes the connection and says nothing more.
    if (self.hangs) return;
    const headers = { ...asked.headers, host: upstream.host, "accept-encoding": "identity" };
    const passed = request(
      { host: upstream.hostname, port: upstream.port, path: asked.url, method: asked.method, headers },
      (got) => {
        if (self.hangs) return;
        self.answered++;
        if (asked.url.startsWith("/_bongsu/client/v1/sites")) return tellSites(self, got, answer);
        const policy = got.headers["content-security-policy"];
        const more = policy ? { "content-security-policy": policy.replace("connect-src 'self'", `connect-src 'self' ${sites.map((each) => each.url).join(" ")}`) } : {};
        answer.writeHead(got.statusCode, { ...got.headers, ...more });
        got.pipe(answer);
      },
    );
    passed.on("error", () => answer.destroy());
    answer.on("close", () => passed.destroy());
    asked.pipe(passed);
  });
  server.on("connection", (socket) => {
    self.sockets.add(socket);
    socket.on("close", () => self.sockets.delete(socket));
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  self.url = `http://127.0.0.1:${server.address().port}`;
  self.close = () => {
    server.close();
    for (const socket of self.sockets) socket.destroy();
  };
  sites.push(self);
  return self;
}

function tellSites(self, got, answer) {
  got.resume();
  const list = sites.map(({ name, url: base_url }) => ({ name, base_url, role: "core", this: name === self.name }));
  answer.writeHead(200, { "content-type": "application/json", "access-control-allow-origin": "*" });
  answer.end(JSON.stringify({ sites: list }));
}

/** How long a site has to be well before one returns is told by the page's clock: it can be turned on. */
const turnable = () => {
  const now = Date.now.bind(Date);
  window.aheadMs = 0;
  Date.now = () => now() + window.aheadMs;
};
const WELL_MS = 31_000;

const home = await site("서울 1센터");
const away = await site("서울 2센터");
const { texts, person, register, say, shows, shot, tab, button, tell, allowed } = await drive(home.url, folder, language, width);
allowed.push(away.url);

await tell(async () => {
  const nari = await person("nari", "/", undefined, turnable);
  await register(nari, "nari");
  await nari.getByText(texts.no_chats, { exact: true }).waitFor();
  await tab(nari, "me");
  const link = await nari.getByRole("link", { name: /#\/u\// }).getAttribute("href");
  const dori = await person("dori", `/${new URL(link).hash}`, undefined, turnable);
  await register(dori, "dori");
  await dori.getByLabel(texts.write_message).waitFor();
  await button(nari, "accept").click();
  await say(nari, "센터가 둘이야");
  await shows(dori, "센터가 둘이야");
  if (away.answered > 0) throw new Error("the second site was asked although the first is well");
  step("two people chat by way of the first site");

  home.hangs = true;
  for (let number = 1; number <= 5; number++) await say(nari, `불이 난 뒤 ${number}`);
  await shows(dori, "불이 난 뒤 5");
  await nari.getByText(texts.strip_elsewhere.replace("{site}", "서울 2센터")).waitFor();
  await shot(nari, "30-elsewhere");
  await say(dori, "여기도 잘 와");
  await shows(nari, "여기도 잘 와");
  step("the first site falls silent: both go on by way of the second, without a log-in");

  home.hangs = false;
  const isLook = (answer) => answer.url().startsWith(`${home.url}/_matrix/client/versions`);
  await Promise.all(
    [nari, dori].map(async (page) => {
      await page.waitForResponse(isLook);
      await page.evaluate((ms) => (window.aheadMs += ms), WELL_MS);
    }),
  );
  for (const page of [nari, dori]) await page.getByText(texts.strip_elsewhere.replace("{site}", "서울 2센터")).waitFor({ state: "detached", timeout: 90_000 });
  const before = home.answered;
  await say(nari, "다시 첫 센터로");
  await shows(dori, "다시 첫 센터로");
  if (home.answered === before) throw new Error("the first site was not asked after the return");
  const wanted = ["센터가 둘이야", "불이 난 뒤 1", "불이 난 뒤 2", "불이 난 뒤 3", "불이 난 뒤 4", "불이 난 뒤 5", "여기도 잘 와", "다시 첫 센터로"];
  for (const page of [nari, dori]) {
    await shows(page, "다시 첫 센터로");
    const said = (await page.getByRole("log").locator(".text").allTextContents()).map((text) => text.trim());
    if (said.join() !== wanted.join()) throw new Error(`after the moves the chat reads: ${said.join(" / ")}`);
  }
  step("the first site is well again for a while: back to it, nothing lost, nothing twice, in order");
});
for (const each of sites) each.close();
