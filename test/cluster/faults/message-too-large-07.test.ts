import { expect, it } from "vitest";
import { findViolations } from "../../harness/checks.ts";
import { startCluster, waitForGate } from "../../harness/cluster.ts";
import { waitFor } from "../../harness/wait-for.ts";
import { joinRealm } from "../../harness/wamp-client.ts";

const config = "test/cluster/configs/ledger/cluster.ts";

it("a change of 18 MB reaches everybody as its id, and costs no master its connection to the router", async () => {
  const cluster = await startCluster({ config, env: { POLL: "no", WORK: waitForGate } });
  const front = await cluster.master({ roles: ["ui"], name: "front" });
  const scheduler = await cluster.master({ roles: ["scheduler"], name: "scheduler" });
  const engine = await cluster.master({ roles: ["builder-engine"], name: "engine" });
  const masters = [front, scheduler, engine];
  await Promise.all(masters.map((master) => master.waitReady()));
  await cluster.workers(engine, front, ["w1"]);
  await front.apiPost("forceschedulers/force", "force", { builderNames: ["job"], reason: "test" });
  await waitFor(() => cluster.ledger.lines().length === 1, { what: "another build to run" });
  const router = cluster.router as NonNullable<typeof cluster.router>;
  const observer = await joinRealm(router.url, router);
  await observer.ask([32, 1, { match: "prefix" }, "org.buildbot.mq.changes."]);

  // Each such character takes six in JSON.
  const comments = "\u0001".repeat(3 * 1024 * 1024);
  const posted = await front.fetch("change_hook/base", {
    method: "POST",
    body: new URLSearchParams({ author: "a", comments, branch: "main", revision: "1", repository: "r" }),
  });
  expect(posted.status).toBe(202);
  const [event] = await waitFor(() => observer.events().length > 0 && observer.events(), { what: "the event" });
  expect(event).toMatchObject({ args: [{ changeid: 1, branch: "main", truncated: true }] });
  expect(await cluster.rows("select length(comments) as n from changes")).toEqual([{ n: comments.length }]);

  // The same from a client without manners: the router drops it, and no one else.
  const rude = await joinRealm(router.url, router);
  rude.send([16, 1, {}, "org.buildbot.mq.builds.1.finished", ["x".repeat(17 * 1024 * 1024)]]);
  await waitFor(() => !rude.isOpen, { what: "the router to drop it" });

  cluster.openGate();
  await waitFor(async () => (await cluster.rows("select 1 from buildrequests where complete = 1")).length === 3, {
    what: "the change and the other build to be built",
    timeoutMs: 90_000,
  });
  for (const master of masters) {
    expect(master.process.exit()).toBeUndefined();
    expect(master.log()).not.toContain("the message router is unreachable");
  }
  expect(await findViolations(cluster)).toEqual([]);
});
