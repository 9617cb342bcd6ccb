import { expect, it } from "vitest";
import { LineClock } from "./line-clock.ts";

it("notes no time within a second, and few times in a long step", () => {
  let now = 50_300;
  const clock = new LineClock(() => now, now);
  const noteAt = (ms: number, line: number) => {
    now = ms;
    clock.note(line);
  };
  noteAt(50_900, 0);
  expect(clock.take()).toEqual([]);
  noteAt(51_400, 1);
  noteAt(51_900, 2);
  noteAt(53_000, 3);
  expect(clock.take()).toEqual([
    { line: 1, at: 51 },
    { line: 3, at: 53 },
  ]);
  let noted = 0;
  for (let line = 4; line < 24 * 3600; line += 1) {
    noteAt(53_000 + line * 1_000, line);
    noted += clock.take().length;
  }
  expect(noted).toBeGreaterThan(1_000);
  expect(noted).toBeLessThan(4_000);
});
