// Fast is what goes on for two frames; what was left out then is completed once the list is calm, piece by piece.
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Pace } from "../src/parts/pace";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("one jump is no scrolling, and slow scrolling is not fast", () => {
  const pace = new Pace();
  pace.moved(5_000);
  expect(pace.isFast).toBe(false);
  for (let offset = 5_000; offset < 5_500; offset += 50) pace.moved(offset);
  expect(pace.isFast).toBe(false);
  pace.moved(5_600);
  pace.moved(5_700);
  expect(pace.isFast).toBe(true);
});

test("what waits is completed once the list is calm, and not before; what is gone is not", () => {
  const pace = new Pace();
  const completed: string[] = [];
  for (const offset of [300, 600, 900]) pace.moved(offset);
  pace.whenCalm(() => completed.push("first"));
  pace.whenCalm(() => completed.push("gone"))();
  vi.advanceTimersByTime(100);
  pace.moved(1_200);
  vi.advanceTimersByTime(100);
  expect(completed).toEqual([]);
  vi.advanceTimersByTime(100);
  expect(completed).toEqual(["first"]);
  expect(pace.isFast).toBe(false);
});

test("much of it is completed in parts that leave time for frames", () => {
  const pace = new Pace();
  let [completed, nowMs] = [0, 0];
  vi.spyOn(performance, "now").mockImplementation(() => nowMs);
  pace.moved(300);
  pace.moved(600);
  for (let number = 0; number < 10; number++)
    pace.whenCalm(() => {
      completed++;
      nowMs += 3;
    });
  vi.advanceTimersToNextTimer();
  expect(completed).toBeGreaterThan(0);
  expect(completed).toBeLessThan(10);
  vi.runAllTimers();
  expect(completed).toBe(10);
});
