import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { LiveSocket } from "./live-socket.ts";

/** Records what a page's socket sends, and delivers answers. */
class FakeSocket {
  static readonly OPEN = 1;
  static readonly all: FakeSocket[] = [];
  readonly readyState = FakeSocket.OPEN;
  readonly sent: { cmd: string; path?: string; _id: number }[] = [];
  onopen = () => {};
  onclose = () => {};
  onmessage = (_event: { data: string }) => {};
  constructor() {
    FakeSocket.all.push(this);
  }
  send(text: string): void {
    this.sent.push(JSON.parse(text));
  }
  close(): void {}
  deliver(frame: object): void {
    this.onmessage({ data: JSON.stringify(frame) });
  }
}

const latest = () => FakeSocket.all.at(-1) as FakeSocket;

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("WebSocket", FakeSocket);
  vi.stubGlobal("location", { href: "http://ci.example.org/builders" });
  vi.stubGlobal("document", { hidden: false, addEventListener() {} });
  vi.stubGlobal("addEventListener", () => {});
  FakeSocket.all.length = 0;
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

function start(): { live: LiveSocket; wakes: () => number } {
  const live = new LiveSocket();
  let wakes = 0;
  live.subscribe("builds/*/new", () => wakes++);
  live.start();
  latest().onopen();
  return { live, wakes: () => wakes };
}

it("a stream that does not answer a ping is replaced by another one with the same subscriptions", () => {
  const { live } = start();
  vi.advanceTimersByTime(25_000);
  latest().deliver({ msg: "pong", code: 200, _id: 2 });
  vi.advanceTimersByTime(25_000);
  expect([live.state, FakeSocket.all.length]).toEqual(["live", 1]);
  vi.advanceTimersByTime(25_000);
  expect(live.state).toBe("polling");
  vi.advanceTimersByTime(1_000);
  expect(FakeSocket.all).toHaveLength(2);
  latest().onopen();
  expect(live.state).toBe("live");
  expect(latest().sent).toMatchObject([{ cmd: "startConsuming", path: "builds/*/new" }]);
});

it("while the router is away events are missing: the rows are read then, and when it is back", () => {
  const { live, wakes } = start();
  expect(live.isComplete).toBe(true);
  latest().deliver({ k: "bus/state", m: { state: "degraded", since: 1_700_000_000_000 } });
  expect([live.isComplete, live.degraded, wakes()]).toEqual([false, { since: 1_700_000_000 }, 1]);
  latest().deliver({ k: "bus/state", m: { state: "connected", since: null } });
  expect([live.isComplete, live.degraded, wakes()]).toEqual([true, undefined, 2]);
});

it("what one master reported about the router ends with the connection to it", () => {
  const { live } = start();
  latest().deliver({ k: "bus/state", m: { state: "degraded", since: 1_700_000_000_000 } });
  latest().onclose();
  vi.advanceTimersByTime(1_000);
  latest().onopen();
  expect(live.isComplete).toBe(true);
});
