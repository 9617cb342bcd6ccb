import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { findViolations } from "../../harness/checks.ts";
import { startCluster } from "../../harness/cluster.ts";
import { isLong } from "../../harness/long-form.ts";
import { waitFor } from "../../harness/wait-for.ts";
import { joinRealm } from "../../harness/wamp-client.ts";

const config = "test/cluster/configs/ledger/cluster.ts";
const requests = 12;
/** How late messages come again; the long form is the scenario's. */
const delayMs = isLong ? 30_000 : 3000;

it("messages that come twice, late and in the wrong order change no row, and no build goes back to running", async () => {
  const cluster = await startCluster({ config, env: { POLL: "no", WORK: "sleep 0.5" } });
  const ui = await cluster.master({ roles: ["ui"], name: "ui" });
  const scheduler = await cluster.master({ roles: ["scheduler"], name: "scheduler" });
  const engine = await cluster.master({ roles: ["builder-engine"], name: "engine" });
  const masters = [ui, scheduler, engine];
  await Promise.all(masters.map((master) => master.waitReady()));
  await cluster.workers(engine, ui, ["w1", "w2"]);

  // A client that repeats every message: immediately, and once more later, the latest first.
  const router = cluster.router as NonNullable<typeof cluster.router>;
  const [ear, mouth] = [await joinRealm(router.url, router), await joinRealm(router.url, router)];
  await ear.ask([32, 1, { match: "prefix" }, "org.buildbot.mq."]);
  let heard = 0;
  let said = 0;
  const echo = new AbortController();
  const say = ({ topic, args }: { topic: string; args: unknown[] }) => {
    said += 1;
    // It hears its own echo, too: `ear` is another session.
    mouth.send([16, said + 1, {}, topic, args]);
  };
  const repeated = new Map<string, number>();
  const isNews = (event: { topic: string; args: unknown[] }) => {
    const text = JSON.stringify(event);
    repeated.set(text, (repeated.get(text) ?? 0) + 1);
    return (repeated.get(text) ?? 0) <= 1;
  };
  const echoing = (async () => {
    while (!echo.signal.aborted) {
      const events = ear.events();
      const fresh = events.slice(heard).filter(isNews);
      heard = events.length;
      for (const event of fresh.toReversed()) say(event);
      if (fresh.length > 0) setTimeout(() => fresh.toReversed().forEach(say), delayMs);
      await sleep(100);
    }
  })();

  const complete = new Set<number>();
  const wentBack: number[] = [];
  const watching = (async () => {
    while (!echo.signal.aborted) {
      const { body } = await ui.api<{ builds: { buildid: number; complete: boolean }[] }>("builds");
      for (const build of body.builds) {
        if (build.complete) complete.add(build.buildid);
        else if (complete.has(build.buildid)) wentBack.push(build.buildid);
      }
      await sleep(100);
    }
  })();

  for (let i = 0; i < requests; i++) {
    const builderNames = [i % 2 === 0 ? "job" : "other"];
    await ui.apiPost("forceschedulers/force", "force", { builderNames, reason: String(i) });
  }
  // One is stopped: the order to stop it comes again while others of its builder run.
  await waitFor(async () => (await cluster.rows("select 1 from builds")).length > 0, { what: "the first build" });
  await ui.apiPost("builds/1", "stop", { reason: "enough" });
  await waitFor(
    async () => (await cluster.rows("select 1 from buildrequests where complete = 1")).length === requests,
    { what: "all requests to be complete", timeoutMs: 120_000 },
  );
  const before = await cluster.rows("select * from builds order by id");
  const atEnd = said;
  await waitFor(() => said > atEnd, { what: "late messages after everything has ended", timeoutMs: 60_000 });
  await sleep(delayMs);
  echo.abort();
  await Promise.all([echoing, watching]);

  expect(said).toBeGreaterThan(repeated.size);
  expect(wentBack).toEqual([]);
  expect(await cluster.rows("select * from builds order by id")).toEqual(before);
  expect(before).toHaveLength(requests);
  expect(before.filter(({ results }) => results !== 0)).toHaveLength(1);
  for (const master of masters) expect(master.process.exit()).toBeUndefined();
  expect(await findViolations(cluster)).toEqual([]);
});
