// What other clients write: `node rich.mjs URL FOLDER LANGUAGE WIDTH`. HTML, friendly and hostile, and threads: what is
// shown is built from few kinds of pieces, and nothing that was sent runs, fetches or dresses up as the client.
import { drive, step } from "./driver.mjs";

const [url, folder, language, width] = process.argv.slice(2);
const { texts, tolerate, person, register, say, shows, shot, tab, button, act, tell } = await drive(url, folder, language, width);

// html: what is sent; text: what is read; has, lacks: selectors within the bubble.
const CASES = [
  { html: "가<b>나</b>다 <em>라</em> <del>마</del>", text: "가나다 라 마", has: "b, em, del" },
  { html: "<h1>소식</h1><p>물이 <strong>있어요</strong></p>", text: "소식물이 있어요", has: "strong.heading", lacks: "h1" },
  { html: '<ul><li>물</li><li>쌀</li></ul><ol start="3"><li>불</li></ol>', text: "물쌀불", has: 'ol[start="3"] > li' },
  { html: '<pre><code class="language-py x">print("&lt;b&gt;")\n</code></pre>', text: 'pyprint("<b>")', has: "pre > code" },
  { html: "<blockquote><p>옛말</p></blockquote>대답", text: "옛말대답", has: "blockquote" },
  { html: '<a href="https://example.org/?a=1&amp;b=2">길</a>', text: "길", has: 'a[rel="noopener noreferrer"][target="_blank"]' },
  { html: '<a href="https://matrix.to/#/@early:x">@early</a> 와', text: "@early 와", has: "b.mention", lacks: "a" },
  { html: "<mx-reply><blockquote>옛글</blockquote></mx-reply>새글", text: "새글", lacks: "blockquote" },
  { html: "<script>window.hurt = 1</script><b>가</b>", text: "가" },
  { html: '<img src="https://evil.example/x.png" onerror="window.hurt = 2"><b>나</b>', text: "나" },
  { html: '<a href="javascript:window.hurt = 3">다</a>', text: "다", lacks: "a" },
  { html: '<a href=" java&#10;script:window.hurt=4">라</a>', text: "라", lacks: "a" },
  { html: '<a href="data:text/html,<script>1</script>">마</a>', text: "마", lacks: "a" },
  { html: '<b onclick="window.hurt = 5" style="position:fixed;inset:0" class="primary" id="app">바</b>', text: "바", lacks: "[style], [id], [onclick], .primary" },
  { html: '<svg><g onload="window.hurt = 6"><b>안</b></g></svg><b>사</b>', text: "안사", lacks: "svg" },
  { html: '<math><mtext><table><mglyph><style><img src=x onerror="window.hurt=7"></style></mglyph></table></mtext></math><b>아</b>', text: "아" },
  { html: '<iframe srcdoc="<script>parent.hurt = 8</script>"></iframe><b>자</b>', text: "자" },
  { html: '<form action="https://evil.example"><input name="p"><button>누르세요</button></form><b>차</b>', text: "누르세요차", lacks: "input, form, button" },
  { html: "<style>body { display: none }</style><b>카</b>", text: "카" },
  { html: `${"<b>".repeat(500)}깊다${"</b>".repeat(500)}`, text: "깊다" },
  { html: "<i>x</i>".repeat(3_000), body: "너무 많다", text: "너무 많다", lacks: "i" },
  { html: '{@html "<b>"} <b>{window.hurt = 9}</b>', text: '{@html ""} {window.hurt = 9}' },
];

async function html(page, room) {
  for (const [number, { html: formatted_body, body = `글 ${number}`, text, has, lacks }] of CASES.entries()) {
    const id = await room(number, { msgtype: "m.text", body, format: "org.matrix.custom.html", formatted_body });
    const bubble = page.locator(`.message[data-id="${id}"] .bubble`);
    // The plain text stands there until the reader of HTML is loaded.
    await bubble.filter({ hasNotText: /^글/ }).waitFor();
    const read = await bubble.evaluate((it) => it.textContent.replace(/\s+$/, "").trim());
    if (read !== text) throw new Error(`case ${number} reads ${JSON.stringify(read)}`);
    const forbidden = await bubble.evaluate(
      (it, more) => [...it.querySelectorAll(`script, img, iframe, style, object, embed, [onerror], [onload]${more}`)].map((each) => each.outerHTML),
      lacks ? `, ${lacks}` : "",
    );
    if (forbidden.length > 0) throw new Error(`case ${number} has ${forbidden}`);
    for (const selector of has?.split(", ") ?? [])
      if (!(await bubble.evaluate((it, wanted) => it.querySelector(wanted) !== null, selector))) throw new Error(`case ${number} lacks ${selector}`);
    if (number === 4) await shot(page, "60-rich");
  }
  if (await page.evaluate(() => "hurt" in window)) throw new Error("something that was sent has run");
  step(`${CASES.length} kinds of HTML are shown as text of few kinds, and none of it runs`);
}

// The page's policy refuses it a second time, aloud, while DOMPurify's parser reads it.
tolerate(/inline (?:event handler|style) violates.+blocked/);

await tell(async () => {
  const dami = await person("dami");
  await register(dami, "dami");
  await dami.getByText(texts.no_chats, { exact: true }).waitFor();
  await tab(dami, "me");
  const link = await dami.getByRole("link", { name: /#\/u\// }).getAttribute("href");
  const garam = await person("garam", `/${new URL(link).hash}`);
  await register(garam, "garam");
  await garam.getByLabel(texts.write_message).waitFor();
  await button(dami, "accept").click();
  await say(dami, "어서 와");
  await shows(garam, "어서 와");
  const { accessToken } = await garam.evaluate(() => JSON.parse(localStorage.getItem("bongsu.session")));
  const headers = { Authorization: `Bearer ${accessToken}` };
  const ask = async (method, path, body) =>
    (await fetch(`${url}/_matrix/client/v3/${path}`, { method, headers, body: body && JSON.stringify(body) })).json();
  const { joined_rooms } = await ask("GET", "joined_rooms");
  const room = async (id, content) =>
    (await ask("PUT", `rooms/${encodeURIComponent(joined_rooms[0])}/send/m.room.message/c${id}`, content)).event_id;
  await html(dami, room);

  const spoiler = { msgtype: "m.text", body: "범인", format: "org.matrix.custom.html", formatted_body: '<span data-mx-spoiler="영화">범인은 셋째</span>' };
  await room("spoiler", spoiler);
  await dami.getByRole("button", { name: texts.spoiler_about.replace("{reason}", "영화") }).click();
  await dami.getByRole("log").getByText("범인은 셋째").waitFor();
  step("what is to be hidden is hidden until it is asked for");

  const root = await room("root", { msgtype: "m.text", body: "저녁은 어디서?" });
  const before = await room("first", {
    msgtype: "m.text",
    body: "회관에서",
    "m.relates_to": { rel_type: "m.thread", event_id: root, is_falling_back: true, "m.in_reply_to": { event_id: root } },
  });
  const first = dami.locator(".message").filter({ hasText: "회관에서" }).last();
  await first.getByText(texts.in_thread).waitFor();
  await first.getByText("저녁은 어디서?").waitFor();
  await act(dami, "회관에서", texts.reply);
  await say(dami, "좋아, 여섯 시에");
  await shows(garam, "좋아, 여섯 시에");
  await garam.locator(".message").filter({ hasText: "좋아, 여섯 시에" }).last().getByText(texts.in_thread).waitFor();
  await shot(dami, "61-thread");
  const { chunk } = await ask("GET", `rooms/${encodeURIComponent(joined_rooms[0])}/messages?dir=b&limit=5`);
  const relation = chunk.find(({ type }) => type === "m.room.encrypted")?.content["m.relates_to"];
  if (relation?.rel_type !== "m.thread" || relation.event_id !== root || relation["m.in_reply_to"].event_id !== before)
    throw new Error(`the answer is related as ${JSON.stringify(relation)}`);
  step("a thread is shown inline, and an answer in it stays in it");
});
