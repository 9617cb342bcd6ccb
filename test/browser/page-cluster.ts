import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { startCluster, type TestCluster } from "../harness/cluster.ts";
import { startHaproxy, type TestHaproxy } from "../harness/haproxy.ts";
import type { TestMaster } from "../harness/master.ts";
import { readMetric } from "../harness/metrics.ts";
import { startOwnWorker } from "../harness/own-worker.ts";
import { temporaryDirectory } from "../harness/temporary-directory.ts";
import { waitFor } from "../harness/wait-for.ts";
import type { BuilderIds } from "./pages.ts";

const uiNames = ["ui-1", "ui-2"] as const;

interface Build {
  readonly buildid: number;
  readonly number: number;
  readonly results: number;
  readonly complete: boolean;
}

/** The config of the pages as a cluster: two ui masters, a scheduler and two engines behind HAProxy. */
export interface PageCluster {
  readonly cluster: TestCluster;
  readonly haproxy: TestHaproxy;
  readonly builderIds: BuilderIds;
  /** The ui masters that run, by name. */
  readonly uis: ReadonlyMap<string, TestMaster>;
  /** The engine of all builders but "parses", and the one of that. */
  readonly engines: readonly [TestMaster, TestMaster];
  startUi(name: string): Promise<void>;
  /** Forgets one that was ended. */
  forgetUi(name: string): void;
  /** The ui master to which the one page that is open is connected. */
  findConnected(): Promise<string | undefined>;
  /** GET of a path of the API through the balancer. */
  read<Body>(path: string): Promise<Body>;
  /** A JSON-RPC action through the balancer. */
  call(path: string, method: string, params?: object): Promise<number>;
  force(builder: string): Promise<void>;
  /** The build of this number, once it has ended. */
  waitForBuild(builder: string, number: number): Promise<{ buildid: number; results: number }>;
  /** Starts a build of "live" after former ones have ended: it counts until it is released. Returns its number. */
  startLive(): Promise<number>;
  /** Lets builds of "live" end. */
  openGate(): void;
  /** Lets the blocked engine go on. */
  release(): void;
}

export async function startPageCluster(): Promise<PageCluster> {
  const haproxy = await startHaproxy();
  const directory = temporaryDirectory("pages");
  const release = join(directory, "release");
  const cluster = await startCluster({
    config: "test/browser/configs/web.ts",
    router: "own",
    env: {
      WORKER_BASEDIR: join(directory, "workers"),
      WORKER_PORT: haproxy.enginePorts.join(","),
      UI_PORT: haproxy.uiPorts.join(","),
      MANY: "3",
      LINES: "2000",
      TICK: "0.02",
      RELEASE: release,
    },
  });
  const gate = cluster.env["GATE"] ?? "";
  const uis = new Map<string, TestMaster>();

  async function startUi(name: string): Promise<void> {
    const ui = await cluster.master({ roles: ["ui"], name });
    uis.set(name, ui);
    await ui.waitReady();
    await haproxy.waitForServer(Number(new URL(await ui.url()).port));
  }

  const [main, blocking] = await Promise.all([
    cluster.master({ roles: ["builder-engine"], builders: ["main"], name: "engine-main" }),
    cluster.master({ roles: ["builder-engine"], builders: ["blocking"], name: "engine-blocking" }),
  ]);
  const scheduler = await cluster.master({ roles: ["scheduler"], name: "time" });
  await Promise.all([...uiNames.map(startUi), ...[main, blocking, scheduler].map((master) => master.waitReady())]);
  await startOwnWorker({
    port: haproxy.workersPort,
    name: "parser",
    password: cluster.env["WORKER_PASSWORD"] ?? "",
  });

  const pages: PageCluster = {
    cluster,
    haproxy,
    builderIds: {},
    uis,
    engines: [main, blocking],
    startUi,
    forgetUi: (name) => void uis.delete(name),
    async findConnected() {
      for (const [name, ui] of uis) {
        // One that has ended refuses the question.
        const listeners = await readMetric(await ui.url(), 'multimaster_ui_listeners{kind="ws"}').catch(() => 0);
        if (listeners === 1) return name;
      }
      return undefined;
    },
    async read<Body>(path: string) {
      const response = await fetch(new URL(`api/v2/${path}`, haproxy.url));
      if (!response.ok) throw new Error(`${response.status} for ${path}`);
      return (await response.json()) as Body;
    },
    async call(path, method, params = {}) {
      const response = await fetch(new URL(`api/v2/${path}`, haproxy.url), {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }),
      });
      await response.arrayBuffer();
      return response.status;
    },
    async force(builder) {
      const params = { builderNames: [builder], username: "Ann <ann@example.org>", reason: "to be seen" };
      const status = await pages.call("forceschedulers/force", "force", params);
      if (status !== 200) throw new Error(`a build of ${builder} was refused with ${status}`);
    },
    waitForBuild: (builder, number) =>
      waitFor(
        async () => {
          const { builds } = await pages.read<{ builds: Build[] }>(`builders/${builder}/builds/${number}`);
          return builds.find(({ complete }) => complete);
        },
        { what: `build ${number} of ${builder}`, timeoutMs: 60_000 },
      ),
    async startLive() {
      const findRunning = async () =>
        (await pages.read<{ builds: Build[] }>("builders/live/builds?complete=false")).builds[0];
      pages.openGate();
      await waitFor(async () => !(await findRunning()), { what: "former builds of live to end", timeoutMs: 60_000 });
      rmSync(gate);
      await pages.force("live");
      return (await waitFor(findRunning, { what: "a build of live", timeoutMs: 60_000 })).number;
    },
    openGate: () => writeFileSync(gate, ""),
    release: () => writeFileSync(release, ""),
  };
  const { builders } = await waitFor(
    async () => {
      const read = await pages.read<{ builders: { builderid: number; name: string }[] }>("builders");
      return read.builders.some(({ name }) => name === "parses") && read;
    },
    { what: "the builders to be known" },
  );
  return { ...pages, builderIds: Object.fromEntries(builders.map(({ name, builderid }) => [name, builderid])) };
}
