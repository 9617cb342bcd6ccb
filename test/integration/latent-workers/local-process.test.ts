import { leaveCluster } from "@multimaster/cluster";
import { buildrequests } from "@multimaster/data";
import { queryRows } from "@multimaster/database";
import { releaseEverythingOf } from "@multimaster/lifecycle";
import localProcess from "@multimaster/plugins/latent-workers/local-process";
import shell from "@multimaster/plugins/steps/shell";
import { expect, it } from "vitest";
import { attemptLogin } from "../../harness/attempt-login.ts";
import { markedEnvironment } from "../../harness/cleanup.ts";
import { type Engine, startEngine } from "../../harness/engine.ts";
import { findLabelled } from "../../harness/labelled-processes.ts";
import { freePort } from "../../harness/ports.ts";
import { temporaryDirectory } from "../../harness/temporary-directory.ts";
import { waitFor } from "../../harness/wait-for.ts";

/** An engine that stops leaves its instances to the next one; the mark ends them with the test file. */
const env = markedEnvironment();

interface Given {
  port?: number;
  directory?: string;
  name?: string;
  command?: string;
  pool?: Partial<Parameters<typeof localProcess>[0]>;
}

async function start({ port = 0, directory, name, command = "true", pool = {} }: Given): Promise<Engine> {
  return startEngine(
    { b: [shell({ name: "work", command })] },
    {
      workers: {
        host: "127.0.0.1",
        port,
        workers: [],
        latent: [localProcess({ name: "pool", maxInstances: 2, retryAfter: "1s", env, ...pool })],
      },
      more: { workers: ["pool"] },
      ...(directory === undefined ? {} : { directory }),
      ...(name === undefined ? {} : { name }),
    },
  );
}

const instances = (engine: Engine) =>
  queryRows<{ instanceid: number; state: string; workerid: number }>(
    engine.database,
    "select instanceid, workerid, state from mm_worker_instances order by instanceid",
  );
const api = async (engine: Engine, ...path: string[]) => {
  const found = await engine.data.rest.get(path, new URLSearchParams());
  return found.kind === "envelope" ? (found.items as Record<string, unknown>[]) : [];
};

it("none is started of a latent worker that no builder names, whatever its minimum", async () => {
  const engine = await startEngine(
    { b: [shell({ name: "work", command: "true" })] },
    {
      workers: {
        host: "127.0.0.1",
        port: 0,
        workers: [],
        latent: ["unused", "pool"].map((name) => localProcess({ name, minInstances: 1, env })),
      },
      more: { workers: ["pool"] },
    },
  );
  // The engine has looked at both when one of the last is there.
  await waitFor(() => engine.said.includes("worker pool-1 is attached"), {
    what: "the instance that a builder can use",
  });
  const latents = await queryRows(engine.database, "select latent from mm_worker_instances");
  expect(latents).toEqual([{ latent: "pool" }]);
});

it("an instance that another engine has made a moment ago is let in at its first attempt", async () => {
  const engine = await start({});
  const { instances: updates } = engine.data.updates;
  const slots = await queryRows<{ id: number; name: string }>(
    engine.database,
    "select id, name from workers where name like 'pool-%' order by id",
  );
  // The engine has just read that there is none.
  const [made] = await updates.reserve({
    latent: "pool",
    kind: "local-process",
    ...{ minInstances: 1, maxInstances: 2, parallelStarts: 2, slots: 1, workerids: slots.map(({ id }) => id) },
    ...{ places: [], host: null, masterUrl: "ws://127.0.0.1/", requests: [], isBound: false },
  });
  const name = slots.find(({ id }) => id === made?.workerid)?.name as string;
  expect(await attemptLogin(engine.port(), name, "wrong")).toBe(401);
  expect(await attemptLogin(engine.port(), name, made?.secret as string)).toBe(101);
});

it("instances never exceed the limit, wait as the explanation says, and are gone after their builds", async () => {
  const engine = await start({ command: "sleep 0.3" });
  const requests: number[] = [];
  for (let i = 0; i < 4; i++) requests.push(await engine.submit("b"));
  const kinds = new Set<string>();
  let most = 0;
  await waitFor(
    async () => {
      const [why] = await api(engine, "buildrequests", String(requests.at(-1)), "why");
      for (const { kind } of (why?.["reasons"] ?? []) as { kind: string }[]) kinds.add(kind);
      most = Math.max(most, (await instances(engine)).length, findLabelled(engine.directory).length);
      return kinds.has("complete");
    },
    { what: "the last request to end" },
  );
  for (const request of requests) expect(await engine.finished(request)).toMatchObject([{ results: 0 }]);
  expect(most).toBe(2);
  // One of them is in use while the other starts, or both are: which is seen depends on the moment.
  expect([...kinds].filter((kind) => ["instance_starting", "instances_busy"].includes(kind))).not.toEqual([]);
  await waitFor(async () => (await instances(engine)).length === 0, { what: "no row to be left" });
  expect(findLabelled(engine.directory)).toEqual([]);
  expect(await api(engine, "latentworkers")).toMatchObject([
    { name: "pool", max_instances: 2, running: 0, pending: 0 },
  ]);
});

it("an instance of an engine that is gone is kept by the next one if its worker comes back", async () => {
  const [port, directory] = [await freePort(), temporaryDirectory("engine")];
  const first = await start({ port, directory, pool: { buildsPerInstance: null, maxInstances: 1 } });
  expect(await first.finished(await first.submit("b"))).toMatchObject([{ results: 0 }]);
  const [made] = await instances(first);
  // It stops as it does when its lease is lost: nothing is drained, nothing is written.
  await first.services.stop();
  await leaveCluster(first.database, first.lease, releaseEverythingOf);
  expect(await queryRows(first.database, "select * from mm_instance_claims")).toEqual([]);

  const second = await start({ port, directory, name: "second", pool: { buildsPerInstance: null, maxInstances: 1 } });
  expect(await second.finished(await second.submit("b"))).toMatchObject([{ results: 0 }]);
  expect(await instances(second)).toMatchObject([{ instanceid: made?.instanceid, state: "running" }]);
  await second.services.drain(AbortSignal.timeout(30_000));
  expect(await instances(second)).toEqual([]);
  expect(findLabelled(directory)).toEqual([]);
});

it("no instance is started for what its function refuses, or weighs too much, and none outside its hours", async () => {
  const accepts = ({ reason }: { reason: string }) => reason === "good" || "only good ones";
  const engine = await start({ pool: { accepts, capacity: 1, idleTime: "1s" } });
  const refused = await engine.submit("b");
  const good = await engine.submit("b", { reason: "good" });
  expect(await engine.finished(good)).toMatchObject([{ results: 0 }]);
  await waitFor(async () => (await instances(engine)).length === 0, { what: "the instance to be gone" });
  expect((await engine.data.get(buildrequests, refused))?.claimed).toBe(false);
  const [why] = await api(engine, "buildrequests", String(refused), "why");
  expect(JSON.stringify(why)).toMatch(
    /\\"accepts\\" of the config of \S+ refuses instances of the latent worker pool for it: only good ones/,
  );
  // A second one may have been started while the first began the build.
  expect(engine.said.filter((text) => text.includes("is started as")).length).toBeLessThanOrEqual(2);

  // A window on the day before yesterday and no other.
  const day = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"][(new Date().getUTCDay() + 5) % 7];
  const closed = await start({ pool: { hours: { zone: "UTC", open: [`${day} 12:00-13:00`] } } });
  const request = await closed.submit("b");
  await waitFor(
    async () =>
      JSON.stringify(await api(closed, "buildrequests", String(request), "why")).includes(
        "The latent worker pool is outside its hours until 2",
      ),
    { what: "the reason" },
  );
  expect(await instances(closed)).toEqual([]);
});

it("an idle instance is ended, and one that does not attach is reported and tried again later", async () => {
  const idle = await start({ pool: { buildsPerInstance: null, idleTime: "1s" } });
  await idle.finished(await idle.submit("b"));
  await waitFor(async () => (await instances(idle)).length === 0, { what: "the idle instance to be gone" });

  const engine = await start({ pool: { command: ["sh", "-c", "echo out of order >&2; exit 3"], maxInstances: 1 } });
  const request = await engine.submit("b");
  const text = await waitFor(
    async () => {
      const [why] = await api(engine, "buildrequests", String(request), "why");
      return JSON.stringify(why).match(
        /The last start of an instance of pool failed: it has ended: out of order \(exit code 3\); the next attempt is in \d+ s\./,
      )?.[0];
    },
    { what: "the failure to be shown", timeoutMs: 60_000 },
  );
  expect(text).toBeTruthy();
  expect(await queryRows(engine.database, "select 1 from buildrequest_claims")).toEqual([]);
});
