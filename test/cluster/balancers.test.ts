import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { formatBasicAuth } from "@multimaster/wire";
import { beforeAll, expect, it } from "vitest";
import { WebSocket } from "ws";
import { startBuildbotWorker, type TestBuildbotWorker } from "../harness/buildbot-worker.ts";
import { findViolations } from "../harness/checks.ts";
import { startCluster, type TestCluster, waitForGate, waitForWorkers } from "../harness/cluster.ts";
import { startHaproxy } from "../harness/haproxy.ts";
import { firstOf } from "../harness/long-form.ts";
import type { TestMaster } from "../harness/master.ts";
import { startNginx } from "../harness/nginx.ts";
import { temporaryDirectory } from "../harness/temporary-directory.ts";
import { waitFor } from "../harness/wait-for.ts";

/** What both balancers of configs/deploy have in common. */
interface Balancer {
  workersPort: number;
  url: string;
  enginePorts: readonly number[];
  uiPorts: readonly number[];
  /** HAProxy finds a new master by asking, nginx by trying. */
  waitForServer?(port: number): Promise<unknown>;
}

const balancers: [string, () => Promise<Balancer>][] = [
  ["HAProxy", startHaproxy],
  ["nginx", startNginx],
];

let cluster: TestCluster;
beforeAll(async () => {
  cluster = await startCluster({
    config: "test/cluster/configs/ledger/cluster.ts",
    env: { WORK: waitForGate, POLL: "no" },
  });
});

it.each(balancers)(
  "behind %s, a worker whose engine drains comes back to another one at its first attempt",
  async (name, startBalancer) => {
    const balancer = await startBalancer();
    const ui = await cluster.master({ roles: ["ui"], name: `ui before ${name}` });
    const scheduler = await cluster.master({ roles: ["scheduler"], name: `scheduler before ${name}` });
    const gate = join(temporaryDirectory("gate"), "open");
    const startEngine = async (i: number) => {
      const port = balancer.enginePorts[i] as number;
      const engine = await cluster.master({
        roles: ["builder-engine"],
        name: `${name} engine ${i}`,
        env: { WORKER_PORT: String(port), GATE: gate },
      });
      await engine.waitReady();
      await balancer.waitForServer?.(port);
      return engine;
    };
    const first = await startEngine(0);
    const workers = await Promise.all(
      ["w1", "w2"].map((worker) =>
        startBuildbotWorker({
          port: balancer.workersPort,
          name: worker,
          password: cluster.env["WORKER_PASSWORD"] ?? "",
        }),
      ),
    );
    await waitForWorkers(ui, ["w1", "w2"]);
    const second = await startEngine(1);
    await ui.apiPost("forceschedulers/force", "force", { builderNames: ["job"], reason: name });
    const begun = await waitFor(
      async () =>
        (
          await cluster.rows<{ id: number; worker: string }>(
            "select b.id, w.name as worker from builds b join workers w on w.id = b.workerid where b.complete_at is null",
          )
        )[0],
      { what: "the build to run" },
    );
    const [busy, idle] = begun.worker === "w1" ? workers : workers.toReversed();

    first.sigterm();
    await waitForAttachment(second, idle as TestBuildbotWorker);
    expect(first.process.exit()).toBeUndefined();
    writeFileSync(gate, "");
    await waitForAttachment(second, busy as TestBuildbotWorker);
    expect(await first.process.waitForExit()).toMatchObject({ code: 0 });
    for (const worker of workers) {
      // It came back with its first attempt, after its own delay. nginx finds a dead server only by trying it, so there may
      // have been a second one; never more, and never with a growing delay.
      const attempts = worker.log().match(/Scheduling retry \d+/g) ?? [];
      expect(new Set(attempts)).toEqual(new Set(["Scheduling retry 1"]));
      expect(attempts.length).toBeLessThanOrEqual(name === "nginx" ? 2 : 1);
      expect(worker.log().match(/WebSocket connection open/g)).toHaveLength(2);
      console.log(
        `${name}: ${worker.name} waited ${/in ([\d.]+) seconds/.exec(worker.log())?.[1]} s by its own choice and was away for ${away(first, second, worker)} ms`,
      );
    }
    expect(await cluster.rows(`select results from builds where id = ${begun.id}`)).toEqual([{ results: 0 }]);
    expect(await findViolations(cluster)).toEqual([]);
    for (const one of [...workers, second, scheduler, ui]) await one.stop();
  },
);

it.each(firstOf(balancers, 1))(
  "behind %s, guessing a worker's password does not keep that worker out",
  async (_, startBalancer) => {
    const balancer = await startBalancer();
    const { env, master } = await startCluster({ config: "configs/symmetric/cluster.ts", router: false });
    const port = balancer.enginePorts[0] as number;
    const told = { WORKER_PORT: String(port), TRUSTED_PROXIES: "127.0.0.1" };
    const engine = await master({ roles: ["builder-engine"], name: "guarded", env: told });
    await engine.waitReady();
    await balancer.waitForServer?.(port);
    /** The status of an attempt from this address, which claims to come from elsewhere. */
    const attempt = (localAddress: string, password: string) =>
      new Promise<number>((resolve) => {
        const headers = { Authorization: formatBasicAuth("worker-1", password), "X-Forwarded-For": "127.0.0.1" };
        const socket = new WebSocket(`ws://127.0.0.1:${balancer.workersPort}/`, { headers, localAddress });
        socket.on("error", () => undefined);
        socket.once("unexpected-response", (_request, response) => resolve(response.statusCode ?? 0));
        socket.once("open", () => {
          resolve(101);
          socket.terminate();
        });
      });
    const guesses = await Promise.all(Array.from({ length: 15 }, (_each, n) => attempt("127.0.0.2", `guess ${n}`)));
    expect(guesses.filter((status) => status === 429).length).toBeGreaterThan(0);
    const right = env["WORKER_PASSWORD"] ?? "";
    expect([await attempt("127.0.0.2", right), await attempt("127.0.0.1", right)]).toEqual([429, 101]);
    await engine.stop();
  },
);

it.each(firstOf(balancers, 1))(
  "behind %s, no request of a user fails while all ui masters are replaced",
  async (name, startBalancer) => {
    const balancer = await startBalancer();
    const startUi = async (i: number) => {
      const port = balancer.uiPorts[i] as number;
      const ui = await cluster.master({ roles: ["ui"], name: `${name} ui ${i}`, env: { UI_PORT: String(port) } });
      await ui.waitReady();
      await balancer.waitForServer?.(port);
      return ui;
    };
    const old = [await startUi(0), await startUi(1)];
    const load = startRequests(balancer.url, name);
    for (const [i, ui] of old.entries()) {
      await startUi(old.length + i);
      await load.some();
      ui.sigterm();
      expect(await ui.process.waitForExit({ timeoutMs: 60_000 })).toMatchObject({ code: 0 });
      await load.some();
    }
    const { gets, posts, failures } = await load.stop();
    expect(failures).toEqual([]);
    console.log(`${name}: ${gets} reads and ${posts} changes while two ui masters were replaced`);
    // Acknowledged once, there once: nothing was lost, and nothing was sent a second time.
    expect(
      await cluster.rows(
        `select count(*)::int as rows, count(distinct revision)::int as revisions from changes where repository = '${name}'`,
      ),
    ).toEqual([{ rows: posts, revisions: posts }]);
  },
);

/** Milliseconds from a worker's leaving one engine until it is attached to the other. */
function away(first: TestMaster, second: TestMaster, worker: TestBuildbotWorker): number {
  const at = (engine: TestMaster, what: string) =>
    Date.parse(String(engine.logLines().find((line) => line.msg === `worker ${worker.name} ${what}`)?.["time"]));
  return at(second, "is attached") - at(first, "has left");
}

/** Users who read and report changes without a pause, over connections that they keep. */
function startRequests(url: string, repository: string) {
  const failures: string[] = [];
  const counts = { gets: 0, posts: 0 };
  let stopped = false;

  async function request(path: string, init: RequestInit, expected: number): Promise<void> {
    try {
      const response = await fetch(new URL(path, url), init);
      const text = await response.text();
      if (response.status !== expected) failures.push(`${init.method} ${path}: ${response.status} ${text}`);
    } catch (error) {
      failures.push(`${init.method} ${path}: ${String(error)} ${String((error as Error).cause)}`);
    }
  }

  async function read(): Promise<void> {
    while (!stopped) {
      await request("api/v2/masters", { method: "GET" }, 200);
      counts.gets++;
    }
  }

  async function report(reporter: number): Promise<void> {
    for (let n = 0; !stopped; n++) {
      const fields = { repository, revision: `${reporter}-${n}`, author: "eve", comments: "change", branch: "main" };
      await request("change_hook/base", { method: "POST", body: new URLSearchParams(fields) }, 202);
      counts.posts++;
    }
  }

  const users = [read(), read(), report(1), report(2)];
  return {
    /** Waits until some more have been answered. */
    async some(): Promise<void> {
      const before = { ...counts };
      await waitFor(() => counts.gets >= before.gets + 20 && counts.posts >= before.posts + 20, {
        what: "some answers",
      });
    },
    async stop() {
      stopped = true;
      await Promise.all(users);
      return { ...counts, failures };
    },
  };
}

function waitForAttachment(engine: TestMaster, worker: TestBuildbotWorker): Promise<unknown> {
  return engine.waitForLog((line) => line.msg === `worker ${worker.name} is attached`, `that it has ${worker.name}`);
}
