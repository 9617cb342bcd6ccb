import { expect, it } from "vitest";
import { capPayload } from "../payload.ts";
import { packEnvelope, payloadRoom, unpackEnvelope } from "./envelope.ts";

const sender = "123e4567-e89b-12d3-a456-426614174000";

it("carries key and payload there and back", () => {
  const text = packEnvelope(sender, 1, ["logs", "übersicht"], '{"id":1}');
  expect(unpackEnvelope(text)).toEqual({ sender, key: ["logs", "übersicht"], payload: { id: 1 } });
});

it("keeps every notification below what PostgreSQL takes, whatever the payload", () => {
  const key = ["builds", "5", "日".repeat(100)];
  const payload = Object.fromEntries(Array.from({ length: 1000 }, (_, n) => [`field${n}`, "ü".repeat(100)]));
  const { text } = capPayload(payload, payloadRoom(key));
  expect(Buffer.byteLength(packEnvelope(sender, Number.MAX_SAFE_INTEGER, key, text))).toBeLessThan(8000);
});

it("refuses a topic that leaves no room", () => {
  expect(() => packEnvelope(sender, 1, ["x".repeat(8000)], "null")).toThrow(RangeError);
});
