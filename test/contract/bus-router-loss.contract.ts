import type { Bus } from "@multimaster/bus";
import { type Logger, silentLog } from "@multimaster/core";
import { expect, it } from "vitest";
import { waitFor } from "../harness/wait-for.ts";
import { listen } from "./bus-inbox.ts";

/** What the contract needs of an implementation. */
export interface BusWorld {
  /**
   * Another master's bus, not started; every one of them hears the others. Where messages stay within one process
   * there is only one bus, and it is given each time.
   */
  createBus(log: Logger): Bus;
  createMutedBus(): Bus;
  /** Whether the router reports which sessions leave it. */
  reportsLeaving?: boolean;
  /** Absent: there is no router that could be lost. */
  router?: RouterFaults;
}

export interface RouterFaults {
  kill(): Promise<void>;
  restart(): Promise<void>;
  /** Connections stay open and nothing answers. */
  freeze(): void;
  thaw(): void;
  /** Ends all connections from its side, in order; the router goes on. */
  dropConnections(): Promise<void>;
}

/** The part of the contract about a router that comes and goes; `given` is called within the tests. */
export function describeRouterLoss(
  given: () => { world: BusWorld; here: Bus; there: Bus; newTopic: () => string },
): void {
  const router = (): RouterFaults => given().world.router as RouterFaults;
  const connected = (...buses: Bus[]) =>
    waitFor(() => buses.every((bus) => bus.state === "connected"), {
      what: "the buses to be connected",
      timeoutMs: 60_000,
    });
  const degraded = (...buses: Bus[]) =>
    waitFor(() => buses.every((bus) => bus.state === "degraded"), {
      what: "the loss to be noticed",
      timeoutMs: 60_000,
    });

  it("is killed and restarted: says so, serves its own process meanwhile, and then everybody again", async () => {
    const { here, there, newTopic } = given();
    const topic = newTopic();
    const far = await listen(there, [topic, "before", null]);
    const near = await listen(here, [topic, "before", null]);
    const gone = await listen(there, [topic, "gone", null]);
    const history: string[] = [];
    const forget = there.onState((state) => history.push(state));

    await router().kill();
    await degraded(here, there);
    expect(here.degradedSince).toBeTypeOf("number");
    const meanwhile = await listen(there, [topic, "meanwhile", null]);
    await gone.subscription.unsubscribe();
    here.publish([topic, "before", "1"], 1);
    await near.count(1);

    await router().restart();
    await connected(here, there);
    expect(here.degradedSince).toBe(null);
    here.publish([topic, "gone", "2"], 2);
    here.publish([topic, "before", "2"], 2);
    here.publish([topic, "meanwhile", "2"], 2);
    await meanwhile.count(1);
    expect(far.payloads()).toEqual([2]);
    expect(near.payloads()).toEqual([1, 2]);
    expect(gone.payloads()).toEqual([]);
    expect(history).toEqual(["degraded", "connected"]);
    forget();
  });

  it("is absent at the start: starts all the same, works alone, says so once, and joins later", async () => {
    const { world, here, there, newTopic } = given();
    const topic = newTopic();
    await router().kill();
    const warnings: unknown[] = [];
    const log = Object.assign(silentLog.child({}), { warn: (...line: unknown[]) => warnings.push(line) });
    const late = world.createBus(log);
    await late.start();
    expect(late.state).toBe("degraded");
    expect(late.ready?.()).toBe(true);
    const inbox = await listen(late, [topic, null]);
    late.publish([topic, "1"], 1);
    await inbox.count(1);

    await router().restart();
    await connected(late, here, there);
    here.publish([topic, "2"], 2);
    await inbox.count(2);
    expect(inbox.payloads()).toEqual([1, 2]);
    expect(warnings).toHaveLength(1);
    await late.stop();
  });

  it("stands still while connections hold: notices, and joins again when it goes on", async () => {
    const { here, there, newTopic } = given();
    const topic = newTopic();
    const far = await listen(there, [topic, null]);
    const near = await listen(here, [topic, null]);
    router().freeze();
    try {
      await degraded(here, there);
      here.publish([topic, "lost"], 1);
      await near.count(1);
    } finally {
      router().thaw();
    }
    await connected(here, there);
    here.publish([topic, "after"], 2);
    await far.count(1);
    expect(far.payloads()).toEqual([2]);
  });

  it("ends the connection in good order: dials again", async () => {
    const { here, there, newTopic } = given();
    const topic = newTopic();
    const far = await listen(there, [topic, null]);
    const states: string[] = [];
    const forget = [here, there].map((bus) => bus.onState((state) => states.push(state)));
    await router().dropConnections();
    await waitFor(() => states.length === 4, { what: "both buses to lose and find the router" });
    expect(states.filter((state) => state === "connected")).toHaveLength(2);
    here.publish([topic, "after"], 1);
    await far.count(1);
    for (const end of forget) end();
  });

  it("stands still while a bus stops: the stop does not wait for it", async () => {
    const { world, here, there } = given();
    const leaving = world.createBus(silentLog);
    await leaving.start();
    router().freeze();
    try {
      await leaving.stop();
    } finally {
      router().thaw();
    }
    await connected(here, there);
  });

  it("is not there at all: a bus stops before its start is over", async () => {
    const { world } = given();
    const leaving = world.createBus(silentLog);
    const started = leaving.start();
    await leaving.stop();
    await started;
    await leaving.stop();
  });
}
