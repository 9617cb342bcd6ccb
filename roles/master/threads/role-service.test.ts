import { silentLog } from "@multimaster/core";
import { expect, it } from "vitest";
import { waitFor } from "../../../test/harness/wait-for.ts";
import { noState } from "./messages.ts";
import { type RoleHost, ThreadDied } from "./role-host.ts";
import { RoleService } from "./role-service.ts";

const lease = { masterid: 1, name: "one", epoch: 1, leaseMs: 4000 };

/** A thread that the test lets die. */
function fakeThread(holdsClaims: boolean) {
  let died: ((error: Error) => void) | undefined;
  const thread = {
    name: "some-role",
    blockedMs: 0,
    holdsClaims,
    hasWorked: false,
    state: { ...noState, ready: { operators: true, strangers: true } },
    term: undefined as typeof lease | undefined,
    pauseMs: 0,
    begun: [] as number[],
    onDeath: (listener: typeof died) => void (died = listener),
    load: async () => {},
    async begin(beginning: { lease: typeof lease }) {
      thread.term = beginning.lease;
      thread.hasWorked = true;
      thread.begun.push(beginning.lease.epoch);
    },
    renew: (next: typeof lease) => void (thread.term = next),
    stop: async () => void (thread.term = undefined),
    setStanding: () => {},
    die() {
      thread.term = undefined;
      died?.(new ThreadDied("the thread ended: no memory"));
    },
  };
  return thread;
}

function serve(thread: ReturnType<typeof fakeThread>, epoch = 1) {
  const lost: string[] = [];
  const service = new RoleService({
    host: thread as unknown as RoleHost,
    lease: { ...lease, epoch },
    log: silentLog,
    beginning: { shared: undefined as never, connections: 1 },
    standing: () => ({ ready: true, refusal: undefined, accepted: undefined }),
    onClaimsLost: () => void lost.push("claims"),
  });
  return { service, lost };
}

it("a role that held claims ends the term when its thread dies, and is a failed service until it runs again", async () => {
  const thread = fakeThread(true);
  const first = serve(thread);
  await first.service.start();
  expect(first.service.ready()).toBe(true);
  thread.pauseMs = 200;
  thread.die();
  expect(first.lost).toEqual(["claims"]);
  first.service.keep();
  await first.service.stop();

  const second = serve(thread, 2);
  await second.service.start();
  expect(second.service.ready()).toBe("the thread of the role some-role ended");
  expect(second.service.failures()).toMatchObject([{ service: "some-role", cause: expect.stringContaining("ended") }]);
  await waitFor(() => thread.begun.length === 2, { what: "the role to run again" });
  expect(thread.begun).toEqual([1, 2]);
  expect(second.service.failures()).toEqual([]);
  await second.service.stop();
});

it("a role that holds nothing goes on under the next lease, and only its thread is started again when it dies", async () => {
  const thread = fakeThread(false);
  const first = serve(thread);
  await first.service.start();
  first.service.keep();
  await first.service.stop();
  expect(thread.term?.epoch).toBe(1);

  const second = serve(thread, 2);
  await second.service.start();
  expect([thread.term?.epoch, thread.begun]).toEqual([2, [1]]);
  thread.die();
  await waitFor(() => thread.begun.length === 2, { what: "the role to run again" });
  expect(second.lost).toEqual([]);
  await second.service.stop();
  expect(thread.term).toBeUndefined();
});

it("a role that is draining, or has been stopped, is not started again", async () => {
  const thread = fakeThread(false);
  const { service } = serve(thread);
  await service.start();
  thread.pauseMs = 20;
  thread.die();
  await service.drain(new AbortController().signal);
  expect(service.ready()).toBe("draining");
  await new Promise((resolve) => setTimeout(resolve, 60));
  expect(thread.begun).toHaveLength(1);
  await service.resume();
  expect(thread.begun).toHaveLength(2);
  await service.stop();
});
