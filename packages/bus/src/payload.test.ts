import type { Json } from "@multimaster/core";
import { describe, expect, it } from "vitest";
import { capPayload, freezePayload } from "./payload.ts";

describe("a payload above the cap", () => {
  const big = "x".repeat(2000);

  it("keeps the ids and small texts, and says that it is truncated", () => {
    const { value, text } = capPayload(
      { buildid: 5, complete: true, results: null, name: "b", big, list: [1], map: {} },
      1000,
    );
    expect(value).toEqual({ buildid: 5, complete: true, results: null, name: "b", truncated: true });
    expect(JSON.parse(text)).toEqual(value);
  });

  it("is only the mark when it is no object", () => {
    expect(capPayload([big], 1000).value).toEqual({ truncated: true });
    expect(capPayload(big, 1000).value).toEqual({ truncated: true });
  });

  it("cannot pretend to be whole", () => {
    expect(capPayload({ truncated: false, big }, 1000).value).toEqual({ truncated: true });
  });

  it("stays below the cap when even the scalars do not fit, ids first", () => {
    const many: Record<string, Json> = {};
    for (let n = 0; n < 100; n++) many[`text${n}`] = "y".repeat(200);
    many["buildid"] = 7;
    const { value, text } = capPayload(many, 1000);
    expect(value).toMatchObject({ buildid: 7, truncated: true });
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(1000);
  });

  it("is measured in bytes, not characters", () => {
    expect(capPayload("日".repeat(300), 901).value).toEqual({ truncated: true });
    expect(capPayload("日".repeat(300), 902).value).toBe("日".repeat(300));
  });
});

it("a payload within the cap goes as it is", () => {
  const payload = { buildid: 5, properties: { a: ["b", "c"] } };
  expect(capPayload(payload, 1000)).toEqual({ value: payload, text: JSON.stringify(payload) });
});

it("a frozen payload is frozen to its leaves, however deep", () => {
  const payload = JSON.parse(`${"[".repeat(100_000)}{"a":{"b":[1]}}${"]".repeat(100_000)}`) as Json;
  let inner = freezePayload(payload);
  while (Array.isArray(inner)) inner = inner[0] as Json;
  expect(Object.isFrozen(inner)).toBe(true);
  expect(Object.isFrozen((inner as { a: { b: Json } }).a.b)).toBe(true);
});
