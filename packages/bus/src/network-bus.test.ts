import { type Clock, silentLog, systemClock } from "@multimaster/core";
import { afterEach, expect, it, vi } from "vitest";
import { type Dialer, defer, type Link } from "./link.ts";
import { NetworkBus } from "./network-bus.ts";

/** A router that the test plays: each dial takes the next of `answers`, or fails when there is none. */
class PlayedRouter implements Dialer {
  readonly where = "ws://played/";
  readonly answers: PlayedLink[] = [];
  dials = 0;
  maxPayload = (): number => 1000;

  async dial(): Promise<Link> {
    this.dials += 1;
    const link = this.answers.shift();
    if (!link) throw new Error("no one there");
    return link;
  }
}

class PlayedLink implements Link {
  readonly session = null;
  readonly subscribed: string[] = [];
  readonly acknowledge = defer<void>();
  readonly #closed = defer<string>();
  readonly closed = this.#closed.promise;
  send = vi.fn();
  unsubscribe = vi.fn(async () => {});
  subscribe(pattern: readonly (string | null)[]): Promise<void> {
    this.subscribed.push(pattern.join("."));
    return Promise.race([this.acknowledge.promise, this.closed.then(() => {})]);
  }
  lose(): void {
    this.#closed.resolve("lost");
  }
  async close(): Promise<void> {
    this.lose();
  }
}

/** Time that passes only in sleeps, which end immediately. */
function jumpingClock(): Clock & { time: number } {
  const clock = {
    ...systemClock,
    time: 1_000_000,
    now: () => clock.time,
    async sleep(ms: number) {
      clock.time += ms;
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
  return clock;
}

let bus: NetworkBus;
afterEach(() => bus.stop());

it("says connected only when every subscription has been acknowledged", async () => {
  const router = new PlayedRouter();
  const link = new PlayedLink();
  router.answers.push(link);
  bus = new NetworkBus("wamp", router, silentLog, systemClock);
  await bus.subscribe(["a", null], () => {});
  await bus.subscribe(["b"], () => {});
  const started = bus.start();
  await vi.waitFor(() => expect(link.subscribed).toEqual(["a.", "b"]));
  expect(bus.state).toBe("degraded");
  link.acknowledge.resolve();
  await started;
  expect(bus.state).toBe("connected");
});

it("is not connected by a link that is lost while the subscriptions are put in place", async () => {
  const router = new PlayedRouter();
  const link = new PlayedLink();
  router.answers.push(link);
  bus = new NetworkBus("wamp", router, silentLog, systemClock);
  const states: string[] = [];
  bus.onState((state) => states.push(state));
  await bus.subscribe(["a"], () => {});
  const started = bus.start();
  await vi.waitFor(() => expect(link.subscribed).toEqual(["a"]));
  link.lose();
  await started;
  expect(states).toEqual([]);
});

it("tries a router that is away again and again, but writes at most one line a minute", async () => {
  const clock = jumpingClock();
  const warn = vi.fn();
  const router = new PlayedRouter();
  bus = new NetworkBus("wamp", router, Object.assign(silentLog.child({}), { warn }), clock);
  const from = clock.time;
  await bus.start();
  await vi.waitFor(() => expect(clock.time - from).toBeGreaterThan(10 * 60_000));
  await bus.stop();
  const minutes = (clock.time - from) / 60_000;
  expect(warn.mock.calls.length).toBeGreaterThan(minutes / 2);
  expect(warn.mock.calls.length).toBeLessThanOrEqual(minutes + 1);
  expect(router.dials).toBeGreaterThan(minutes * 10);
});

it("notifies every listener of a change although one throws", async () => {
  const router = new PlayedRouter();
  const link = new PlayedLink();
  router.answers.push(link);
  bus = new NetworkBus("wamp", router, silentLog, systemClock);
  bus.onState(() => {
    throw new Error("thrown by a listener");
  });
  const states: string[] = [];
  const forget = bus.onState((state) => states.push(state));
  await bus.start();
  link.lose();
  await vi.waitFor(() => expect(states).toEqual(["connected", "degraded"]));
  forget();
  router.answers.push(new PlayedLink());
  await vi.waitFor(() => expect(bus.state).toBe("connected"));
  expect(states).toEqual(["connected", "degraded"]);
});

it("asks the router once for a pattern of many subscribers, and ends it with the last of them", async () => {
  const router = new PlayedRouter();
  const link = new PlayedLink();
  link.acknowledge.resolve();
  router.answers.push(link);
  bus = new NetworkBus("wamp", router, silentLog, systemClock);
  await bus.start();
  const first = await bus.subscribe(["a", null], () => {});
  const second = await bus.subscribe(["a", null], () => {});
  await first.unsubscribe();
  expect(link.unsubscribe).not.toHaveBeenCalled();
  await second.unsubscribe();
  await second.unsubscribe();
  expect(link.unsubscribe).toHaveBeenCalledWith(["a", null]);
});

it("publishes what cannot be serialised to no one, and says so instead of throwing", async () => {
  const error = vi.fn();
  bus = new NetworkBus("wamp", new PlayedRouter(), Object.assign(silentLog.child({}), { error }), systemClock);
  bus.publish(["a"], 1n as never);
  bus.publish(["a"], undefined as never);
  expect(error).toHaveBeenCalledTimes(2);
});
