import { type Bus, type BusState, createBus } from "@multimaster/bus";
import { silentLog } from "@multimaster/core";
import { expect, it, vi } from "vitest";
import { createPeerLeftHints } from "./peer-left-hints.ts";

/** The same messages for all, and a session of its own for each, as at a router. */
function connect(shared: Bus, session: string) {
  const leaves = new Set<(session: string) => void>();
  const states = new Set<(state: BusState) => void>();
  const own = {
    ...shared,
    session: session as string | null,
    publish: shared.publish,
    subscribe: shared.subscribe,
    onState(listener: (state: BusState) => void) {
      states.add(listener);
      return () => states.delete(listener);
    },
    onPeerLeft(listener: (gone: string) => void) {
      leaves.add(listener);
      return () => leaves.delete(listener);
    },
  };
  return {
    bus: own as Bus,
    hearLeave: (gone: string) => leaves.forEach((tell) => void tell(gone)),
    reconnect(as: string) {
      own.session = as;
      for (const tell of states) tell("connected");
    },
  };
}

async function join(shared: Bus, masterid: number, session: string) {
  const departed: number[] = [];
  const connection = connect(shared, session);
  const lease = { masterid, name: `m${masterid}`, epoch: 1, leaseMs: 1000 };
  await createPeerLeftHints({ bus: connection.bus, lease, onPeerLeft: (id) => departed.push(id) }).start();
  return { ...connection, departed };
}

it("knows the sessions of masters that joined before and after it, and reports which master's session has left", async () => {
  const shared = createBus({ kind: "in-process" }, silentLog);
  const first = await join(shared, 1, "100");
  const second = await join(shared, 2, "200");
  const third = await join(shared, 3, "300");
  await vi.waitFor(() => {
    for (const { hearLeave, departed } of [first, third]) {
      if (!departed.includes(2)) hearLeave("200");
      expect(departed).toEqual([2]);
    }
  });
  third.hearLeave("999");
  third.hearLeave("300");
  expect(third.departed).toEqual([2]);
  expect(second.departed).toEqual([]);
});

it("follows a master to its new session, and forgets the old one", async () => {
  const shared = createBus({ kind: "in-process" }, silentLog);
  const watcher = await join(shared, 1, "100");
  const other = await join(shared, 2, "200");
  other.reconnect("201");
  await vi.waitFor(() => {
    if (watcher.departed.length === 0) watcher.hearLeave("201");
    expect(watcher.departed).toEqual([2]);
  });
  watcher.hearLeave("200");
  expect(watcher.departed).toEqual([2]);
});

it("remembers a bounded number of those who claim to be masters, answers them together, and hears the true ones after", async () => {
  const shared = createBus({ kind: "in-process" }, silentLog);
  const watcher = await join(shared, 1, "100");
  let answers = 0;
  await shared.subscribe(["leases", "1-1", "session"], () => void answers++);
  for (let i = 0; i < 20_000; i++) shared.publish(["leases", "x", "session"], { masterid: 1000 + i, session: `s${i}` });
  for (const masterid of [0.5, "7", null])
    shared.publish(["leases", "x", "session"], { masterid, session: "odd" } as never);
  await vi.waitFor(() => {
    watcher.hearLeave("s19999");
    expect(watcher.departed).toEqual([20_999]);
  });
  for (const gone of ["s0", "s18998", "odd"]) watcher.hearLeave(gone);
  expect(watcher.departed).toEqual([20_999]);
  await join(shared, 2, "200");
  await vi.waitFor(() => {
    watcher.hearLeave("200");
    expect(watcher.departed).toContain(2);
  });
  expect(answers).toBeLessThan(20);
});

it("believes a master about its own session, even if another master has claimed that session", async () => {
  const shared = createBus({ kind: "in-process" }, silentLog);
  const watcher = await join(shared, 1, "100");
  shared.publish(["leases", "x", "session"], { masterid: 9, session: "200" });
  await join(shared, 2, "200");
  await vi.waitFor(() => {
    watcher.hearLeave("200");
    expect(watcher.departed).toContain(2);
  });
  expect(watcher.departed.filter((id) => id !== 9)).toEqual([2]);
});
