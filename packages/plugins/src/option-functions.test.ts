import { systemClock } from "@multimaster/core";
import { describe, expect, it } from "vitest";
import { createFakeClock } from "../../../test/harness/scheduler-fakes.ts";
import { OptionFailed, OptionFunctions, OptionRests } from "./option-functions.ts";

const loop = (): never => {
  for (;;);
};
const asked = (about: string, subject = about) => ({ option: "key", about, subject });

function create() {
  const clock = createFakeClock();
  return { clock, functions: new OptionFunctions(clock, 500) };
}

describe("a function among a plugin's options", () => {
  it("that throws is shown until it works again, and asked again at once", () => {
    const { clock, functions } = create();
    const broken = () => {
      throw new Error("no idea");
    };
    expect(() => functions.call(asked("change 1"), broken)).toThrow(
      new OptionFailed('the function "key" failed (no idea) for change 1'),
    );
    expect(functions.failing).toMatchObject([{ sentence: 'the function "key" failed (no idea) for change 1' }]);
    expect(functions.call(asked("change 2"), () => 5)).toBe(5);
    expect(functions.failing).toEqual([]);
    expect(() => functions.call(asked("change 3"), broken)).toThrow(OptionFailed);
    clock.advance(10 * 60_000);
    expect(functions.failing).toEqual([]);
  });

  it("that loops is ended and rests, and is never asked the same again", () => {
    const { clock, functions } = create();
    expect(() => functions.call(asked("change 1", "main"), loop)).toThrow(
      'the function "key" failed (it blocked its master for 500 ms without returning, and was ended) for change 1',
    );
    expect(() => functions.call(asked("change 2", "dev"), () => 1)).toThrow(OptionRests);
    clock.advance(60_000);
    expect(functions.call(asked("change 2", "dev"), () => 1)).toBe(1);
    let calls = 0;
    expect(() => functions.call(asked("change 3", "main"), () => calls++)).toThrow(OptionFailed);
    expect(calls).toBe(0);
    expect(functions.call(asked("change 4", "dev"), () => 2)).toBe(2);
  });

  it("that never answers is given up and rests", async () => {
    const { clock, functions } = create();
    const { signal } = new AbortController();
    const waiting = functions.callAsync(asked("change 1"), () => new Promise(() => {}), signal);
    const failed = expect(waiting).rejects.toThrow('the function "key" returned nothing within 10 s for change 1');
    clock.advance(10_000);
    await failed;
    await expect(functions.callAsync(asked("change 2"), () => 1, signal)).rejects.toThrow(OptionRests);
    clock.advance(60_000);
    expect(await functions.callAsync(asked("change 2"), async () => 1, signal)).toBe(1);
  });

  it("may answer undefined", async () => {
    const functions = new OptionFunctions(systemClock);
    expect(
      await functions.callAsync(asked("change 1"), async () => undefined, new AbortController().signal),
    ).toBeUndefined();
  });
});
