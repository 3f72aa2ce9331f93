// What officers sign in the browser is, byte by byte, what the server checks; the vectors are the server's own.
import { expect, test } from "vitest";
import { type Alert, type AlertContent, gravestFirst, learn, toKeep, toShow } from "../src/tower/alert";
import { alertMessage, briefMessage, isShortened, payload } from "../src/tower/brief";
import { withNews } from "../src/tower/news";
import { fromSecret, request, unseal } from "../src/tower/officerKey";
import { ServiceTime } from "../src/tower/serviceTime";
import { learnSafety, openQuestion, type SafetyCall } from "../src/tower/safety";
import { base64, canonical, type Json, statementId, unbase64 } from "../src/tower/statement";
import vectors from "./vectors/tower.json";

test("canonical JSON is the server's", () => {
  for (const { value, text } of vectors.canonical) expect(canonical(value as unknown as Json)).toBe(text);
  expect(() => canonical(1.5)).toThrow();
});

test("a key has the server's id, and asks with the server's line", async () => {
  const { key } = await fromSecret(unbase64(vectors.key.seed), vectors.key.name);
  expect([key.id, key.publicKey]).toEqual([vectors.key.id, vectors.key.public]);
  expect(await request(key)).toBe(vectors.key.request);
});

test("a key's file opens with its passphrase alone", async () => {
  const sealed = unseal(vectors.key_file.text, vectors.key_file.passphrase);
  expect(base64(await sealed)).toBe(vectors.key.seed);
  await expect(unseal(vectors.key_file.text, "다른 암호 문구입니다")).rejects.toThrow();
});

test("an alert and its brief are signed over the server's bytes", async () => {
  const { key } = await fromSecret(unbase64(vectors.key.seed), vectors.key.name);
  for (const { content, id, sign, signature, headline, brief } of vectors.alerts) {
    const alert = content as unknown as AlertContent;
    expect(base64(alertMessage(alert))).toBe(sign);
    expect(await statementId("alert", alert)).toBe(id);
    expect(await key.sign(alertMessage(alert))).toBe(signature);
    expect(base64(briefMessage(await payload(alert, headline)))).toBe(brief);
  }
});

test("nobody signs a headline for radio that the alert does not have", async () => {
  const [{ content }] = vectors.alerts as unknown as [{ content: AlertContent }];
  await expect(payload(content, "모두 안전합니다")).rejects.toThrow();
  expect(isShortened("가나 다…", "가나  다라")).toBe(true);
  expect(isShortened("…", "가나")).toBe(false);
});

const HOUR_MS = 3_600_000;
function alert(id: string, changes: Partial<AlertContent> = {}, rest: Partial<Alert> = {}): Alert {
  const [{ content }] = vectors.alerts as unknown as [{ content: AlertContent }];
  return { id, state: "standing", content: { ...content, ...changes }, signed_by: [], brief: false, ...rest };
}
const NOW = vectors.alerts[0]?.content.sent ?? 0;

test("the gravest real alert that is not answered covers the screen, until it expires", () => {
  const minor = alert("a", { status: "Actual", severity: "Minor" });
  const extreme = alert("b", { status: "Actual", severity: "Extreme" });
  const exercise = alert("c", { severity: "Extreme" });
  expect(toShow([exercise, minor, extreme], NOW)?.id).toBe("b");
  expect(toShow([exercise, minor, { ...extreme, answer: "cannot" }], NOW)?.id).toBe("a");
  expect(toShow([{ ...minor, answer: "seen" }], NOW)?.id).toBe("a");
  expect(toShow([minor], NOW + HOUR_MS)).toBe(null);
  expect(toShow([{ ...minor, state: "cancelled" }, { ...extreme, state: "pending" }], NOW)).toBe(null);
  expect(toShow([{ ...minor, state: "foreign" }], NOW)).toBe(null);
  expect(toShow([{ ...extreme, state: "foreign" }], NOW)?.id).toBe("b");
});

test("news replaces by id, a brief by its alert, and keeps what was answered", () => {
  const [brief, whole] = [alert("00112233445566ff", {}, { brief: true, answer: "confirmed" }), alert("00112233445566ff8899aabbccddeeff")];
  expect(learn([brief], [whole])).toMatchObject([{ id: whole.id, answer: "confirmed" }]);
  expect(learn([{ ...whole, answer: "cannot" }], [{ ...whole, state: "cancelled" }])).toMatchObject([{ state: "cancelled", answer: "cannot" }]);
  expect(learn([whole], [{ id: whole.id, state: "refused" }])).toEqual([]);
});

test("a real warning stands before any exercise, however late that came", () => {
  const real = alert("a", { status: "Actual", severity: "Severe" });
  const exercise = alert("b", { severity: "Extreme", sent: NOW + 1_000 });
  expect(gravestFirst([exercise, real]).map(({ id }) => id)).toEqual(["a", "b"]);
});

test("a flood of others' notices pushes no warning of ours out of the list", () => {
  const ours = alert("ours", { status: "Actual", sent: NOW - HOUR_MS });
  const notices = Array.from({ length: 150 }, (_, number) => alert(`n${number}`, { sent: NOW + number }, { state: "foreign" }));
  expect(learn([ours], notices)).toHaveLength(100);
  expect(learn([ours], notices)).toContainEqual(ours);
  expect(toKeep(learn([ours], notices), 30)).toContainEqual(ours);
});

test("the time is the service's, whatever the device's clock says", () => {
  const time = new ServiceTime();
  expect(time.now({ deviceMs: NOW, steadyMs: 0 })).toBe(NOW);
  // A device that is three hours ahead.
  time.learn(NOW, { deviceMs: NOW + 3 * HOUR_MS, steadyMs: 1_000 });
  expect(time.now({ deviceMs: NOW + 3 * HOUR_MS + 10_000, steadyMs: 11_000 })).toBe(NOW + 10_000);
  // Somebody sets its clock right, or years ahead: nothing is over for that.
  const right = { deviceMs: NOW + 20_000, steadyMs: 21_000 };
  const ahead = { deviceMs: NOW + 1e12, steadyMs: 21_000 };
  expect([time.slipped(right), time.slipped(ahead), time.now(ahead)]).toEqual([true, true, NOW + 20_000]);
  // At the next opening, without a network: what was found is remembered, and never hides anything.
  expect(new ServiceTime(time.aheadMs).now({ deviceMs: NOW + 3 * HOUR_MS, steadyMs: 0 })).toBe(NOW);
  expect(new ServiceTime(-HOUR_MS).now({ deviceMs: NOW, steadyMs: 0 })).toBe(NOW);
});

test("a question is open until one has said something since", () => {
  const call: SafetyCall = {
    id: "c1",
    content: { sender: "", sent: NOW, expires: NOW + HOUR_MS, status: "Actual", areas: [], texts: { ko: { question: "무사하십니까?" } } },
    signed_by: ["시장"],
  };
  const asked = { id: "r1", user_id: "@b:x", users: ["@a:x"], text: "", ts: NOW - 1 };
  const known = learnSafety({ checkIns: [], requests: [], calls: [] }, { calls: [call], requests: [asked] });
  expect(openQuestion(known, "@a:x", "en", NOW)).toMatchObject({ id: "c1", text: "무사하십니까?" });
  const before = learnSafety(known, { check_ins: [{ user_id: "@a:x", answer: "safe", ts: NOW - 1 }] });
  expect(openQuestion(before, "@a:x", "ko", NOW)?.id).toBe("c1");
  const answered = learnSafety(known, { check_ins: [{ user_id: "@a:x", answer: "safe", ts: NOW + 1 }] });
  expect(openQuestion(answered, "@a:x", "ko", NOW)).toBe(null);
  expect(openQuestion(known, "@b:x", "ko", NOW + HOUR_MS)).toBe(null);
  // Late news of an earlier time takes nothing back.
  const late = learnSafety(answered, { check_ins: [{ user_id: "@a:x", answer: "help", ts: NOW - 5 }] });
  expect(late.checkIns).toMatchObject([{ answer: "safe" }]);
});

test("an exercise neither answers a real question nor asks beside it", () => {
  const ask = (id: string, status: string, sent: number): SafetyCall => ({
    id,
    content: { sender: "", sent, expires: NOW + HOUR_MS, status, areas: [], texts: { ko: { question: id } } },
    signed_by: ["시장"],
  });
  const calls = [ask("real", "Actual", NOW), ask("play", "Exercise", NOW + 1)];
  const known = learnSafety({ checkIns: [], requests: [], calls: [] }, { calls });
  expect(openQuestion(known, "@a:x", "ko", NOW)).toMatchObject({ id: "real", exercise: false });
  const said = (answer: "safe" | "help", request: string, of = known) =>
    openQuestion(learnSafety(of, { check_ins: [{ user_id: "@a:x", answer, request, ts: NOW + 2 }] }), "@a:x", "ko", NOW + 3)?.id;
  expect(said("safe", "play")).toBe("real");
  expect(said("safe", "real")).toBe(undefined);
  // With no real one, an exercise asks everybody but who has just said that they need help.
  const later = learnSafety({ checkIns: [], requests: [], calls: [] }, { calls: [ask("play", "Exercise", NOW + 9)] });
  expect(openQuestion(later, "@a:x", "ko", NOW + 10)?.id).toBe("play");
  expect(said("safe", "", later)).toBe("play");
  expect(said("help", "", later)).toBe(undefined);
});

test("news is read on its way to the SDK, which gets the same answer", async () => {
  const told: unknown[] = [];
  const body = '{"next_batch":"1","kr.bongsu.alerts":{"alerts":[]}}';
  const fetch = withNews(() => Promise.resolve(new Response(body)), (news) => told.push(news));
  expect(await (await fetch("http://x/_matrix/client/v3/sync?since=1")).text()).toBe(body);
  await fetch("http://x/_matrix/client/v3/rooms/x/messages");
  expect(told).toEqual([{ alerts: { alerts: [] } }]);
});
