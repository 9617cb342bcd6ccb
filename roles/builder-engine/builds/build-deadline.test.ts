import { expect, it } from "vitest";
import { createFakeClock } from "../../../test/harness/scheduler-fakes.ts";
import { BuildDeadline } from "./build-deadline.ts";

function makeDeadline(maxMs: number | null, ranMs = 0) {
  const clock = createFakeClock();
  let over = 0;
  const deadline = new BuildDeadline(clock, { maxMs, ranMs }, () => (over += 1));
  const waits: (() => void)[] = [];
  const wait = () => deadline.during(() => new Promise<void>((resolve) => waits.push(resolve)));
  return { deadline, wait, waits, pass: (ms: number) => clock.advance(ms), over: () => over };
}

it("ends a build after its time, with what it had used before", () => {
  const { pass, over } = makeDeadline(1000, 400);
  pass(599);
  expect(over()).toBe(0);
  pass(1);
  expect(over()).toBe(1);
});

it("stands still while any step waits for locks", async () => {
  const { wait, waits, pass, over } = makeDeadline(1000);
  pass(900);
  const all = [wait(), wait()];
  pass(5000);
  waits[0]?.();
  await all[0];
  pass(5000);
  waits[1]?.();
  await all[1];
  pass(99);
  expect(over()).toBe(0);
  pass(1);
  expect(over()).toBe(1);
});

it("never ends a build without a limit, nor one that is over", async () => {
  const unlimited = makeDeadline(null);
  const wait = unlimited.wait();
  unlimited.waits[0]?.();
  await wait;
  unlimited.pass(1e9);
  expect(unlimited.over()).toBe(0);
  const ended = makeDeadline(1000);
  const late = ended.wait();
  ended.deadline.cancel();
  ended.waits[0]?.();
  await late;
  ended.pass(1e9);
  expect(ended.over()).toBe(0);
});
