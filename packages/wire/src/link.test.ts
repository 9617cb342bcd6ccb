import { silentLog } from "@multimaster/core";
import { describe, expect, it } from "vitest";
import { encodeFrame, type Message } from "./frames.ts";
import { Link } from "./link.ts";
import { LinkClosed, RemoteException, RequestRefused, RequestTimedOut } from "./link-errors.ts";
import { createTransportPair } from "./memory-transport.ts";
import type { Transport } from "./transport.ts";

type Handler = (op: string, fields: Message) => unknown;

function join(onLeft: Handler, onRight: Handler): [Link, Link] {
  const [a, b] = createTransportPair();
  const options = { log: silentLog, peer: "the other end", onBadFrame: "close" as const };
  return [new Link(a, { ...options, onRequest: onLeft }), new Link(b, { ...options, onRequest: onRight })];
}

/** A bare end that records what it gets. */
function listen(transport: Transport): { frames: Uint8Array[]; closed: Promise<number> } {
  const frames: Uint8Array[] = [];
  const closed = new Promise<number>((resolve) => {
    transport.open({
      onFrame: (frame) => void frames.push(frame),
      onViolation: () => undefined,
      onClose: (end) => resolve(end.code),
    });
  });
  return { frames, closed };
}

describe("a link", () => {
  it("carries requests both ways at once", async () => {
    const [left, right] = join(
      (op) => `left ${op}`,
      (op, fields) => ({ op, ...fields }),
    );
    const answers = await Promise.all([left.request("a", { x: 1 }), right.request("b"), left.request("c")]);
    expect(answers).toEqual([{ op: "a", x: 1 }, "left b", { op: "c" }]);
  });

  it("hands requests over in arrival order, and matches answers that come in another", async () => {
    const seen: string[] = [];
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const [left] = join(
      () => null,
      async (op) => {
        seen.push(op);
        if (op === "slow") await held;
        else release();
        return op;
      },
    );
    expect(await Promise.all([left.request("slow"), left.request("quick")])).toEqual(["slow", "quick"]);
    expect(seen).toEqual(["slow", "quick"]);
  });

  it("turns what a handler throws into an exception at the other end", async () => {
    const [left] = join(
      () => null,
      () => {
        throw new RequestRefused("no such thing");
      },
    );
    await expect(left.request("x")).rejects.toThrow(new RemoteException("no such thing"));
  });

  it("rejects what is pending when the connection ends, and what comes after", async () => {
    const [left, right] = join(
      () => null,
      () => new Promise(() => undefined),
    );
    const pending = left.request("never");
    right.close(1001, "the master goes away");
    await expect(pending).rejects.toThrow(LinkClosed);
    await expect(left.request("late")).rejects.toThrow("1001: the master goes away");
    expect(await left.closed).toEqual({ code: 1001, reason: "the master goes away" });
    expect(left.isOpen).toBe(false);
  });

  it("gives up on an answer that does not come in time, and ignores it when it comes", async () => {
    let answer: (value: unknown) => void = () => undefined;
    const [left, right] = join(
      () => null,
      (op) => (op === "held" ? new Promise((resolve) => (answer = resolve)) : op),
    );
    await expect(left.request("held", {}, { timeoutMs: 5 })).rejects.toThrow(RequestTimedOut);
    answer("late");
    expect(await left.request("next")).toBe("next");
    expect(right.isOpen).toBe(true);
  });

  it.each([
    ["no MessagePack", Uint8Array.from([0xc1])],
    ["no op", encodeFrame({ seq_number: 0 })],
    ["no number", encodeFrame({ op: "update" })],
  ])("ends with 1007 at the master on a frame with %s", async (_, frame) => {
    const [a, b] = createTransportPair();
    const link = new Link(a, { log: silentLog, peer: "worker w", onBadFrame: "close", onRequest: () => null });
    const other = listen(b);
    b.send(frame);
    expect((await link.closed).code).toBe(1007);
    expect(await other.closed).toBe(1007);
  });

  it("stays open at a worker on a bad frame", async () => {
    const [a, b] = createTransportPair();
    const link = new Link(a, { log: silentLog, peer: "the master", onBadFrame: "ignore", onRequest: (op) => op });
    const other = listen(b);
    b.send(Uint8Array.from([0xc1]));
    b.send(encodeFrame({ op: "keepalive", seq_number: 0 }));
    await expect.poll(() => other.frames.length).toBe(1);
    expect(link.isOpen).toBe(true);
  });
});
