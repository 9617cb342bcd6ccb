import { callContained, FunctionBlocked, silentLog, systemClock } from "@multimaster/core";
import { describe, expect, it } from "vitest";

import { GuardedFunctions } from "./guarded-function.ts";

function create() {
  const said: string[] = [];
  let now = 1_000_000;
  const log = Object.assign(Object.create(silentLog), { error: (_: object, text: string) => said.push(text) });
  const clock = { ...systemClock, now: () => now, sleep: async () => undefined } as typeof systemClock;
  const functions = new GuardedFunctions({
    clock,
    log,
    hide: (text) => text,
    watch: { enter: () => {}, leave: () => {} },
  });
  return { functions, said, pass: (ms: number) => (now += ms) };
}
const names = { owner: 'builder "a"', option: "canStart" };
const forever = () => {
  for (;;);
};

describe("a function of the config", () => {
  it("is ended when it keeps the event loop to itself, and only then", () => {
    expect(callContained(() => 5)).toBe(5);
    expect(() => callContained(forever, 50)).toThrow(FunctionBlocked);
    expect(() =>
      callContained(() => {
        throw new Error("own");
      }),
    ).toThrow("own");
    expect(callContained(() => callContained(() => 7))).toBe(7);
  });

  it("that fails is reported until it works again, and logged once a minute", () => {
    const { functions, said, pass } = create();
    let result: unknown = "wrong";
    const guarded = functions.guard(() => result, names);
    const check = (value: unknown) => {
      if (value !== true) throw new Error(`it returned ${value}`);
      return value;
    };
    expect(guarded.call([], check)).toMatchObject({ kind: "failed", why: "the function failed: it returned wrong" });
    guarded.call([], check);
    expect(said).toEqual(['"canStart" of builder "a" failed: it returned wrong; what it was asked about waits']);
    pass(61_000);
    guarded.call([], check);
    expect(said).toHaveLength(2);
    expect(functions.failure()).toEqual({ since: 1_000_000, cause: '"canStart" of builder "a": it returned wrong' });
    result = true;
    expect(guarded.call([], check)).toEqual({ kind: "returned", value: true });
    expect(functions.failure()).toBeUndefined();
  });

  it("that blocked is not called for a minute", () => {
    const { functions, pass } = create();
    let calls = 0;
    const guarded = functions.guard(() => {
      calls += 1;
      forever();
    }, names);
    for (let i = 0; i < 3; i += 1)
      expect(guarded.call([], () => true)).toMatchObject({ kind: "failed", why: expect.stringContaining("blocked") });
    expect(calls).toBe(1);
    pass(60_001);
    guarded.call([], () => true);
    expect(calls).toBe(2);
  });

  it("that hangs, or that answers late, is given up", async () => {
    const { functions } = create();
    const guarded = functions.guard(() => new Promise(() => {}), names);
    expect(await guarded.callAsync([], () => true)).toMatchObject({
      kind: "failed",
      why: "the function failed: it did not answer within 30 s",
    });
  });

  it("that must answer at once may return no promise", () => {
    const { functions } = create();
    const guarded = functions.guard(() => Promise.reject(new Error("late")), names);
    expect(guarded.call([], () => true)).toMatchObject({ why: expect.stringContaining("it must return at once") });
  });
});
