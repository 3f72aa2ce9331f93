// The outbox: order per room, once each, across a reload, with refusals that do not block the rest.
import "fake-indexeddb/auto";
import { expect, test } from "vitest";
import { Deferred, type Letter, Outbox, type OutboxOptions, Refused } from "../src/matrix/outbox";
import { openOutboxStore } from "../src/matrix/outboxStore";

const text = (body: string) => ({ msgtype: "m.text", body });
const bodyOf = (letter: Letter) => String(letter.content["body"]);
const message = (roomId: string, body: string) => ({ roomId, type: "m.room.message", content: text(body) });
const atOnce = () => Promise.resolve();

let users = 0;
const newUser = () => `@user${++users}:x`;

async function outbox(user: string, options: Partial<OutboxOptions> & Pick<OutboxOptions, "send">) {
  return new Outbox({ store: await openOutboxStore(user), wait: atOnce, random: () => 0, ...options });
}

test("a room's letters go out in the order they were written, although sending fails now and then", async () => {
  const tried: string[] = [];
  const box = await outbox(newUser(), {
    send: (letter) => {
      tried.push(bodyOf(letter));
      if (tried.length % 2 === 1) throw new Error("no network");
      return Promise.resolve(`$${bodyOf(letter)}`);
    },
  });
  await Promise.all(["1", "2", "3"].map((body) => box.add(message("!a", body))));
  await box.idle();
  expect(tried).toEqual(["1", "1", "2", "2", "3", "3"]);
  expect(box.waiting()).toEqual([]);
});

test("what waits survives the page, with the same transaction ids and its attachment", async () => {
  const user = newUser();
  const never = await outbox(user, { send: () => new Promise<string>(() => undefined) });
  const attachment = { blob: new Blob(["photo"]), name: "p.jpg" };
  const first = await never.add({ ...message("!a", "before"), attachment });
  const second = await never.add(message("!a", "after"));
  never.close();

  const sent: Letter[] = [];
  const again = await outbox(user, {
    send: (letter) => {
      sent.push(letter);
      return Promise.resolve("$e");
    },
  });
  await again.open();
  await again.idle();
  expect(sent.map((letter) => letter.id)).toEqual([first.id, second.id]);
  expect(await sent[0]?.attachment?.blob.text()).toBe("photo");
  expect(await (await openOutboxStore(user)).all()).toEqual([]);
});

test("a refused letter waits for the person; those behind it and in other rooms go on", async () => {
  const sent: string[] = [];
  let refuse = true;
  const box = await outbox(newUser(), {
    send: (letter) => {
      if (bodyOf(letter) === "bad" && refuse) throw new Refused("You are not in this room.");
      sent.push(bodyOf(letter));
      return Promise.resolve("$e");
    },
  });
  const bad = await box.add(message("!a", "bad"));
  await box.add(message("!a", "good"));
  await box.add(message("!b", "other"));
  await box.idle();
  expect(sent.toSorted()).toEqual(["good", "other"]);
  expect(box.waiting().map((letter) => letter.refused)).toEqual(["You are not in this room."]);
  refuse = false;
  await box.retry(bad.id);
  await box.idle();
  expect(sent).toContain("bad");
  expect(box.waiting()).toEqual([]);
});

test("a letter written while earlier ones wait goes behind them, and waking ends the wait", async () => {
  let network = false;
  const sent: string[] = [];
  const box = await outbox(newUser(), {
    wait: () => new Promise<void>(() => undefined),
    send: (letter) => {
      if (!network) throw new Error("no network");
      sent.push(bodyOf(letter));
      return Promise.resolve("$e");
    },
  });
  await box.add(message("!a", "1"));
  await box.add(message("!a", "2"));
  expect(sent).toEqual([]);
  network = true;
  box.wake();
  await box.idle();
  expect(sent).toEqual(["1", "2"]);
});

test("the one who shows messages hears of a sent letter before it leaves the queue", async () => {
  const seen: string[] = [];
  const box: Outbox = await outbox(newUser(), {
    send: () => Promise.resolve("$event"),
    sent: (letter, eventId) => seen.push(`${bodyOf(letter)} ${eventId} ${box.waiting().length}`),
  });
  await box.add(message("!a", "hello"));
  await box.idle();
  expect(seen).toEqual(["hello $event 1"]);
});

test("what was left at a hub holds back nobody, and is tried again when something changes", async () => {
  const tried: string[] = [];
  let atHub = true;
  const box = await outbox(newUser(), {
    send: (letter) => {
      tried.push(bodyOf(letter));
      if (atHub) throw new Deferred();
      return Promise.resolve("$e");
    },
  });
  await box.add(message("!a", "1"));
  await box.add(message("!a", "2"));
  await box.idle();
  expect(box.waiting().map(({ deferred }) => deferred)).toEqual([true, true]);
  expect(tried).toEqual(["1", "2"]);
  atHub = false;
  box.wake();
  await box.idle();
  expect(tried).toEqual(["1", "2", "1", "2"]);
  expect(box.waiting()).toEqual([]);
});
