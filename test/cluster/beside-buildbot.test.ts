import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { startBuildbotWorker, type TestBuildbotWorker } from "../harness/buildbot-worker.ts";
import { createGitRepository } from "../harness/git-repository.ts";
import { isLong } from "../harness/long-form.ts";
import { startMaster, type TestMaster } from "../harness/master.ts";
import { freePorts } from "../harness/ports.ts";
import { runProcess, startProcess, type TestProcess } from "../harness/processes.ts";
import { runMaster } from "../harness/run-master.ts";
import { temporaryDirectory } from "../harness/temporary-directory.ts";
import { newDatabaseUrl } from "../harness/test-databases.ts";
import { waitFor } from "../harness/wait-for.ts";
import { setUpOnDemand } from "../setup.mjs";

/** A small farm: a poller, a builder, a worker. */
const config = `import os
from buildbot.plugins import changes, schedulers, steps, util, worker

loopback = "tcp:%s:interface=127.0.0.1"
factory = util.BuildFactory([
    steps.Git(repourl=os.environ["FARM_REPOSITORY"], branch="main"),
    steps.ShellCommand(name="hello", command=["echo", util.Interpolate("hello from %(prop:farm)s")]),
])
c = BuildmasterConfig = {
    "buildbotNetUsageData": None,
    "title": "Small farm",
    "buildbotURL": "http://127.0.0.1:%s/" % os.environ["FARM_UI"],
    "db": {"db_url": os.environ["FARM_DATABASE"]},
    "protocols": {"pb": {"port": loopback % os.environ["FARM_WORKERS"]}},
    "www": {"port": loopback % os.environ["FARM_UI"]},
    "workers": [worker.Worker("w1", os.environ["FARM_PASSWORD"])],
    "change_source": [changes.GitPoller(repourl=os.environ["FARM_REPOSITORY"], branches=["main"], pollInterval=1, pollAtLaunch=True)],
    "builders": [util.BuilderConfig(name="main", workernames=["w1"], factory=factory, properties={"farm": "the farm"})],
    "schedulers": [
        schedulers.SingleBranchScheduler(name="pushes", change_filter=util.ChangeFilter(branch="main"), builderNames=["main"]),
        schedulers.ForceScheduler(name="force", builderNames=["main"]),
    ],
}
`;
const password = "the password of w1";

interface Build {
  readonly buildid: number;
  readonly number: number;
  readonly results: number | null;
}
type Ask = <T>(path: string) => Promise<T>;

/** Waits until so many builds have succeeded, as this master tells it. */
const succeeded = (ask: Ask, count: number, what: string) =>
  waitFor(
    async () => {
      const { builds } = await ask<{ builds: Build[] }>("builds?order=buildid");
      return builds.length === count && builds.every(({ results }) => results === 0) && builds;
    },
    { what, timeoutMs: 120_000 },
  );

describe.runIf(isLong)("a real Buildbot 4.3.0 and its database", () => {
  const bin = isLong ? join(setUpOnDemand("buildbot"), "bin") : "";

  it("are taken over by an imported config, and go back, with all builds and each change once", async () => {
    const repository = createGitRepository({ files: { readme: "one" } });
    const database = await newDatabaseUrl("postgresql");
    const [ui = 0, workerPort = 0] = await freePorts(2);
    const directory = join(temporaryDirectory("buildbot"), "master");
    const env = {
      FARM_REPOSITORY: repository.url,
      FARM_DATABASE: database.replace(/^postgresql:/, "postgresql+psycopg2:"),
      FARM_PASSWORD: password,
      FARM_UI: String(ui),
      FARM_WORKERS: String(workerPort),
    };
    const program = join(bin, "buildbot");
    const create = ["create-master", "--relocatable", `--db=${env.FARM_DATABASE}`, directory];
    await runProcess({ name: "buildbot create-master", command: program, args: create });
    writeFileSync(join(directory, "master.cfg"), config);

    const api = `http://127.0.0.1:${ui}/api/v2/`;
    const askBuildbot: Ask = async <T>(path: string) => (await (await fetch(`${api}${path}`)).json()) as T;
    const force = { jsonrpc: "2.0", id: 1, method: "force", params: { builderNames: ["main"], reason: "by hand" } };
    const forceBuildbot = () =>
      fetch(`${api}forceschedulers/force`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(force),
      });
    const startBuildbot = async () => {
      const log = () => readIfThere(join(directory, "twistd.log"));
      const before = log().split("BuildMaster is running").length;
      const master = await startProcess({
        name: "buildbot",
        command: program,
        args: ["start", "--nodaemon", directory],
        env,
      });
      await waitFor(() => master.exit() !== undefined || log().split("BuildMaster is running").length > before, {
        what: "the Buildbot master to run",
        timeoutMs: 120_000,
      });
      expect(master.exit(), log().slice(-3000)).toBeUndefined();
      return master;
    };
    const attach = (port: number) => startBuildbotWorker({ port, name: "w1", password, protocol: "pb" });

    // Buildbot alone: a forced build, and one of a push.
    let buildbot: TestProcess = await startBuildbot();
    let worker: TestBuildbotWorker = await attach(workerPort);
    await forceBuildbot();
    await succeeded(askBuildbot, 1, "Buildbot's forced build");
    repository.commit({ files: { readme: "two" } });
    await succeeded(askBuildbot, 2, "Buildbot's build of the push");

    // Our pages beside it: what it has built, and what it builds now.
    const out = join(temporaryDirectory("imported"), "config");
    const imported = await runMaster(
      ["import-buildbot", join(directory, "master.cfg"), "--python", join(bin, "python"), "--out", out],
      env,
    );
    expect([imported.code, imported.stdout]).toEqual([
      0,
      expect.stringMatching(/^(\d+) of \1 constructs translated\./),
    ]);
    const ours = {
      DATABASE_URL: database,
      WORKER_W1_PASSWORD: password,
      UI_PORT: "0",
      WORKER_PORT: "0",
      UI_URL: "http://127.0.0.1/",
    };
    const start = async (roles?: readonly string[]): Promise<TestMaster> => {
      const master = await startMaster({ config: join(out, "cluster.ts"), ...(roles ? { roles } : {}), env: ours });
      await master.waitReady();
      return master;
    };
    const ofImported = ["--config", join(out, "cluster.ts")];
    expect(await runMaster(["upgrade-database", ...ofImported], ours)).toMatchObject({ code: 0 });
    const pages = await start(["ui"]);
    const askOurs =
      (master: TestMaster): Ask =>
      async <T>(path: string) =>
        (await master.api<T>(path)).body;
    const [first] = await succeeded(askOurs(pages), 2, "Buildbot's builds on our pages");
    const log = await pages.fetch(`api/v2/builds/${first?.buildid}/steps/hello/logs/stdio/raw`);
    expect(await log.text()).toContain("hello from the farm");
    await forceBuildbot();
    await succeeded(askOurs(pages), 3, "a build that Buildbot runs beside our pages");
    await pages.process.stop();

    // Ours alone: the poller goes on where Buildbot's stopped, so what is pushed in between is built, and nothing twice.
    await worker.stop();
    await buildbot.stop();
    repository.commit({ files: { readme: "three" } });
    const all = await start();
    worker = await attach(await all.workerPort());
    const four = await succeeded(askOurs(all), 4, "our build of the push");
    expect(four.map(({ number }) => number)).toEqual([1, 2, 3, 4]);
    await all.apiPost("forceschedulers/force", "force", force.params);
    await succeeded(askOurs(all), 5, "our forced build");
    await worker.stop();
    await all.process.stop();

    // Back to Buildbot: it reads what ours have written, and goes on from there.
    buildbot = await startBuildbot();
    worker = await attach(workerPort);
    repository.commit({ files: { readme: "four" } });
    const six = await succeeded(askBuildbot, 6, "Buildbot's build after ours");
    expect(six.map(({ number }) => number)).toEqual([1, 2, 3, 4, 5, 6]);
    const { changes } = await askBuildbot<{ changes: { comments: string }[] }>("changes");
    expect(changes).toHaveLength(3);
    await worker.stop();
    await buildbot.stop();
  }, 900_000);
});

function readIfThere(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
