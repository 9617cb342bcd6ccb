import { expect, it } from "vitest";
import { toWakeup, type Wakeup } from "./wakeup.ts";
import { packRequest, packWakeups, unpackWakeups } from "./wakeup-text.ts";

const wakeup = (...key: string[]): Wakeup => ({ key, payload: { truncated: true, id: 1 } });

it("many wake-ups go into few notifications, none larger than PostgreSQL takes, and come out in order", () => {
  const many = Array.from({ length: 500 }, (_, i) => wakeup("übersicht", String(i), "new"));
  const texts = packWakeups("someone", many);
  expect(texts.length).toBeLessThan(10);
  for (const text of texts) expect(Buffer.byteLength(text)).toBeLessThan(8000);
  expect(texts.flatMap((text) => unpackWakeups(text)?.wakeups ?? [])).toEqual(many);
  expect(packWakeups("someone", [])).toEqual([]);
});

it("the largest wake-up fits into a notification", () => {
  const ids = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`${"i".repeat(36)}${i}`, -(2 ** 53) + 1]));
  const largest = toWakeup(["\u0001".repeat(998), "x"], ids);
  const [text = ""] = packWakeups("00000000-0000-0000-0000-000000000000", largest ? [largest] : []);
  expect(unpackWakeups(text)?.wakeups).toEqual([largest]);
  expect(Buffer.byteLength(text)).toBeLessThan(8000);
});

it("keeps only the ids of a payload, and does not carry what masters send each other about leases", () => {
  const payload = { buildid: 7, name: "secret", complete: true, number: 1.5, list: [1], "a b": 2, nothing: null };
  expect(toWakeup(["builds", "7", "new"], payload)).toEqual({
    key: ["builds", "7", "new"],
    payload: { truncated: true, buildid: 7 },
  });
  for (const other of [null, [1], 5, "text"])
    expect(toWakeup(["a"], other)).toEqual({ key: ["a"], payload: { truncated: true } });
  expect(toWakeup(["leases", "1-1", "doubt"], {})).toBe(undefined);
  expect(toWakeup(["x".repeat(2000)], {})).toBe(undefined);
});

it("what others write to the channel is ignored", () => {
  for (const text of ["", "no JSON", "null", "{}", '{"s":1,"w":[]}', '{"s":"x","w":{}}'])
    expect(unpackWakeups(text)).toBe(undefined);
  const bad = '{"s":"x","w":[null,["a"],[[],{}],[[1],{}],[["leases","1-1","fine"],{}],[["a"],{"b":"c","id":2}]]}';
  expect(unpackWakeups(bad)).toEqual({
    sender: "x",
    asks: false,
    wakeups: [{ key: ["a"], payload: { truncated: true, id: 2 } }],
  });
  expect(unpackWakeups(packRequest("x"))).toEqual({ sender: "x", asks: true, wakeups: [] });
});
