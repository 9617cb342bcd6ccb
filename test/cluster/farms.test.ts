import { createHmac } from "node:crypto";
import { chmodSync, mkdirSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { Results } from "@multimaster/core";
import { checkClusterConfig } from "@multimaster/operator/check-cluster-config";
import { loadClusterConfig } from "@multimaster/operator/load-cluster-config";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { configFile, startCluster, waitForWorkers } from "../harness/cluster.ts";
import { startGitHttpServer } from "../harness/git-http-server.ts";
import { createGitRepository, type TestGitRepository } from "../harness/git-repository.ts";
import { ghCommit, ghPull, ghPush } from "../harness/hook-payloads.ts";
import { isLong } from "../harness/long-form.ts";
import { startMailServer } from "../harness/mail-server.ts";
import { type MasterOptions, startMaster, type TestMaster } from "../harness/master.ts";
import { startOwnWorker } from "../harness/own-worker.ts";
import type { TestProcess } from "../harness/processes.ts";
import { startReportTarget } from "../harness/report-target.ts";
import { temporaryDirectory } from "../harness/temporary-directory.ts";
import { waitFor } from "../harness/wait-for.ts";

const script = (...lines: string[]) => `#!/bin/sh\nset -e\n${lines.join("\n")}\n`;

/** What the farms' builds run, all in one repository. */
const scripts = {
  configure: script('echo "configured $1"'),
  plan: script(
    `echo '[{"name":"kernel","command":["echo","kernel"]},{"name":"image","command":["sh","-c","mkdir -p out; echo image of $MACHINE > out/image"]}]' > phases.json`,
  ),
  "list-packages": script(`echo '{"tool":["base","lib"],"lib":["base"],"base":[],"docs":["base"]}' > "$1"`),
  "build-package": script('echo "maintainer: $1@example.org"', 'test "$1" != lib', 'echo "$1" > "$1.package"'),
  "upload-package": script('test -n "$SIGNING_KEY"', 'echo "uploaded $1"'),
  pack: script('echo "packed for $1"'),
  build: script('echo "built for $1"'),
  "run-tests": script(
    `echo '<testsuite><testcase name="opens"/><testcase name="closes"><failure message="no"/></testcase></testsuite>' > "$2"`,
  ),
};
const pipeline = `steps:
  - shell: { name: test, command: "echo version \${{ version }} of \${{ branch }}" }
  - shell: { name: coverage, command: "true", env: { TOKEN: "\${{ secret:coverage }}" } }
`;
const files = {
  ...scripts,
  Makefile: "all:\n\techo made\ntest:\n\techo 'warning: slow'\n",
  "ci/matrix.json": '["20", "24"]',
  "ci/steps.yaml": pipeline,
};

const passwordOf = (worker: string) => `the password of ${worker}`;

/** Passwords by the variables that the farms' configs read. */
const passwords = Object.fromEntries(
  [
    ...Array.from({ length: 10 }, (_, i) => `volunteer-${i + 1}`),
    ...["big", "builder", "own", "rented", "debian", "fedora"].flatMap((name) => [`${name}-1`, `${name}-2`]),
    ...["linux", "windows", "mac"],
  ].map((name) => [`${name.toUpperCase().replace("-", "_")}_PASSWORD`, passwordOf(name)]),
);

let repository: TestGitRepository;
let env: Record<string, string>;

beforeEach(() => {
  repository = createGitRepository({ files });
  for (const name of Object.keys(scripts)) chmodSync(join(dirname(repository.path), "clone", name), 0o755);
  repository.commit({ message: "Let them run" });
  const state = temporaryDirectory("farm");
  env = {
    ...passwords,
    ...{ UI_PORT: "0", WORKER_PORT: "0", POLL_INTERVAL: "500ms", QUIET: "500ms" },
    ...{ MULTIMASTER_STATE: state, DATABASE_URL: `sqlite:${state}/farm.sqlite`, REPOSITORY: repository.url },
  };
});
afterEach(() => vi.unstubAllEnvs());

/** It waits for quiet times and for a worker to be missed. */
const inLongForm = it.runIf(isLong);

const configOf = (farm: string) => configFile(`configs/farms/${farm}/cluster.ts`);

/** Checks the config as `master check-config` does, and starts a master with all roles. */
async function start(farm: string, more: Record<string, string> = {}): Promise<TestMaster> {
  for (const [name, value] of Object.entries({ ...env, ...more })) vi.stubEnv(name, value);
  await checkClusterConfig(await loadClusterConfig(configOf(farm), checkClusterConfig));
  const master = await startMaster({ config: configOf(farm), env: { ...env, ...more } });
  await master.waitReady();
  return master;
}

async function attach(engine: TestMaster, names: readonly string[], ui = engine): Promise<TestProcess[]> {
  const port = await engine.workerPort();
  const workers = await Promise.all(names.map((name) => startOwnWorker({ port, name, password: passwordOf(name) })));
  await waitForWorkers(ui, names);
  return workers;
}

interface Build {
  readonly buildid: number;
  readonly builder: string;
  readonly results: number | null;
  readonly workerid: number;
  readonly properties: Readonly<Record<string, readonly [unknown, string]>>;
}

/** All builds, oldest first. */
async function readBuilds(ui: TestMaster): Promise<Build[]> {
  const { builders } = (await ui.api<{ builders: { builderid: number; name: string }[] }>("builders")).body;
  const names = new Map(builders.map(({ builderid, name }) => [builderid, name]));
  const { builds } = (await ui.api<{ builds: (Build & { builderid: number })[] }>("builds?order=buildid&property=*"))
    .body;
  return builds.map((build) => ({ ...build, builder: names.get(build.builderid) ?? "" }));
}

/** Waits until a builder has built, the last time with this result; returns the newest build. */
async function ended(ui: TestMaster, builder: string, results: number): Promise<Build> {
  return waitFor(
    async () => {
      const build = (await readBuilds(ui)).findLast((one) => one.builder === builder);
      return build?.results === results && build;
    },
    { what: `${builder} to end with ${results}`, timeoutMs: 60_000 },
  ).catch(async (error: Error) => {
    throw new Error(`${error.message}; builds: ${JSON.stringify(await readBuilds(ui))}`);
  });
}

async function stepsOf(ui: TestMaster, { buildid }: Build): Promise<string[]> {
  const { steps } = (await ui.api<{ steps: { name: string; results: number }[] }>(`builds/${buildid}/steps`)).body;
  return steps.slice(1).map(({ name, results }) => `${name}: ${results}`);
}

interface Request {
  readonly buildrequestid: number;
  readonly results: number;
  readonly complete: boolean;
}
const readRequests = async (ui: TestMaster) =>
  (await ui.api<{ buildrequests: Request[] }>("buildrequests?order=buildrequestid")).body.buildrequests;

/** A poller's first poll only records what is there: commits until it reports one. */
async function commitUntilSeen(ui: TestMaster, commit: () => string): Promise<string> {
  let revision = "";
  await waitFor(
    async () => {
      const { changes } = (await ui.api<{ changes: object[] }>("changes?limit=1")).body;
      if (changes.length === 0) revision = commit();
      return changes.length > 0;
    },
    { what: "the poller to report a change", intervalMs: 700 },
  );
  return revision;
}

inLongForm(
  "a farm of branches and recipes collapses what waits, tells the forge, and the owner of a lost worker",
  async () => {
    const served = join(temporaryDirectory("served"), "acme");
    mkdirSync(served);
    symlinkSync(repository.path, join(served, "language.git"));
    const server = await startGitHttpServer(dirname(served), { name: "ci", password: "pw" });
    const [forge, mail] = [await startReportTarget(), await startMailServer({ isRelay: true })];
    const master = await start("per-branch-matrix", {
      REPOSITORY: `http://ci:pw@${server.host}/acme/language.git`,
      ...{ FORGE: forge.url, FORGE_TOKEN: "t0ken", SMTP_PORT: String(mail.smtp.port), MISSING_TIMEOUT: "1s" },
    });
    await commitUntilSeen(master, () => repository.commit({ files: { "docs/page.md": String(Math.random()) } }));
    repository.commit({ files: { "a.c": "1" } });
    // Quick recipes only, and nothing for the documentation.
    await waitFor(async () => (await readRequests(master)).length === 4, { what: "the requests of the first push" });
    const newest = repository.commit({ files: { "a.c": "2" } });
    await waitFor(async () => (await readRequests(master)).length === 8, { what: "the requests of the second push" });
    await waitFor(
      async () => (await readRequests(master)).filter(({ results }) => results === Results.SKIPPED).length === 4,
      {
        what: "the older requests to be collapsed",
      },
    );
    const [first] = await attach(master, ["volunteer-1", "volunteer-2"]);
    const build = await ended(master, "debug main", Results.WARNINGS);
    expect(await stepsOf(master, build)).toEqual(["git: 0", "configure: 0", "test: 1"]);
    expect(build.properties["got_revision"]?.[0]).toBe(newest);
    await ended(master, "release main", Results.WARNINGS);
    const states = () =>
      forge.calls
        .filter(({ body }) => body?.context === "ci/debug main")
        .map(({ path, body }) => `${path} ${body.state}`);
    const path = `/api/v1/repos/acme/language/statuses/${newest}`;
    await waitFor(() => states().length === 2, { what: "the forge to know" });
    expect(states()).toEqual([`${path} pending`, `${path} success`]);

    await first?.kill();
    const told = () => mail.received.flatMap(({ to }) => to);
    await waitFor(() => told().includes("owner-1@example.org"), { what: "the owner's mail", timeoutMs: 60_000 });
    expect(told()).not.toContain("owner-2@example.org");
    const lost = { builderNames: ["release main"], branch: "main", revision: "f".repeat(40), reason: "a lost commit" };
    await master.apiPost("forceschedulers/by-hand", "force", lost);
    const failed = await waitFor(
      async () => (await readBuilds(master)).find((one) => one.buildid > 2 && one.results !== null),
      {
        what: "the build of a lost commit",
      },
    );
    expect([failed.results, await stepsOf(master, failed)]).toEqual([Results.WARNINGS, ["git: 2"]]);
    await server.stop();
  },
);

it("a farm of images makes steps from JSON, publishes under a lock, and knows the next night", async () => {
  const master = await start("embedded-images");
  await attach(master, ["big-1"]);
  await master.apiPost("forceschedulers/by-hand", "force", { builderNames: ["board-arm"], reason: "by hand" });
  const build = await ended(master, "board-arm", Results.SUCCESS);
  expect(await stepsOf(master, build)).toEqual([
    ...["git: 0", "plan: 0", "add-steps: 0", "kernel: 0", "image: 0"],
    ...["upload: 0", "publish: 0"],
  ]);
  expect(await (await master.fetch("artifacts/latest/board-arm/image")).text()).toContain("image of");
  interface Schedule {
    readonly name: string;
    readonly next_at: number | null;
  }
  const { schedules } = (await master.api<{ schedules: Schedule[] }>("schedules")).body;
  const local = new Intl.DateTimeFormat("en-GB", {
    timeZone: "Europe/Berlin",
    weekday: "short",
    timeStyle: undefined,
    hour: "2-digit",
    minute: "2-digit",
  });
  const nights = schedules.flatMap(({ name, next_at }) =>
    next_at === null ? [] : [`${name}: ${local.format(next_at * 1000)}`],
  );
  expect(nights).toContain("saturday: Sat 02:30");
  expect(nights).toContain("sunday: Sun 02:30");
});

it("an archive of packages builds them in order, not those that need a broken one, and mails its maintainers", async () => {
  const mail = await startMailServer({ isRelay: true });
  const more = { SIGNING_KEY: "a signing key", SMTP_PORT: String(mail.smtp.port) };
  const master = await start("package-archive", more);
  await attach(master, ["builder-1", "builder-2"]);
  await commitUntilSeen(master, () => repository.commit());
  const archive = await ended(master, "archive", Results.FAILURE);
  expect(await stepsOf(master, archive)).toEqual(["git: 0", "list: 0", "add-steps: 0", "packages: 2"]);
  const packages = (await readBuilds(master)).filter(({ builder }) => builder === "package");
  const resultOf = Object.fromEntries(packages.map(({ properties, results }) => [properties["package"]?.[0], results]));
  expect(resultOf).toEqual({ base: Results.SUCCESS, lib: Results.FAILURE, docs: Results.SUCCESS });
  expect(await (await master.fetch("artifacts/latest/package/base.package")).text()).toBe("base\n");
  await waitFor(() => mail.received.length > 0, { what: "the maintainer's mail" });
  // The archive was built once for each commit until the first one was seen.
  expect(new Set(mail.received.map(({ to }) => to.join()))).toEqual(new Set(["lib@example.org"]));
});

it("a library builds the matrix of its repository, and of a stranger what is approved, and only the newest", async () => {
  const forge = await startReportTarget();
  const secret = "the hook's secret";
  const more = {
    COVERAGE_TOKEN: "a coverage token",
    GITHUB_SECRET: secret,
    GITHUB_API: forge.url,
    GITHUB_TOKEN: "t0ken",
  };
  const master = await start("library", more);
  await attach(master, ["own-1", "rented-1"]);
  const deliver = async (event: string, payload: object) => {
    const body = JSON.stringify(payload);
    const signature = `sha256=${createHmac("sha256", secret).update(body).digest("hex")}`;
    const headers = { "content-type": "application/json", "x-github-event": event, "x-hub-signature-256": signature };
    expect((await master.fetch("change_hook/github", { method: "POST", body, headers })).status).toBe(202);
  };
  const pushed = { ...ghCommit(1), id: repository.revision() };
  await deliver("push", ghPush({ after: pushed.id, commits: [pushed] }));
  const own = await ended(master, "library", Results.SUCCESS);
  expect(await stepsOf(master, own)).toEqual(["git: 0", "add-steps: 0", "versions: 0"]);
  const version = await ended(master, "version", Results.SUCCESS);
  expect(await stepsOf(master, version)).toEqual(["git: 0", "from-repository: 0", "test: 0", "coverage: 0"]);
  const successes = () =>
    forge.calls.filter(({ body }) => body?.state === "success").map(({ path, body }) => `${path} ${body.context}`);
  await waitFor(() => successes().length === 2, { what: "both statuses" });
  const path = `/repos/acme/web/statuses/${pushed.id}`;
  expect(successes().toSorted()).toEqual([`${path} ci/version 20`, `${path} ci/version 24`]);

  const pull = async (action: string, number: number) => {
    const revision = repository.commit({
      branch: "stranger",
      files: { "ci/steps.yaml": "steps: [[hostile]]\n", n: String(number) },
    });
    repository.git("push", "--quiet", "--force", "origin", "stranger:refs/pull/42/head", "stranger:refs/pull/42/merge");
    await deliver(
      "pull_request",
      ghPull(
        { action },
        { head: { ref: "x", sha: revision, repo: { full_name: "eve/web", clone_url: repository.url } } },
      ),
    );
    return revision;
  };
  const before = (await readRequests(master)).length;
  await pull("opened", 1);
  await waitFor(async () => (await readRequests(master)).length === before + 1, { what: "the stranger's request" });
  await pull("synchronize", 2);
  await waitFor(async () => (await readRequests(master)).length === before + 2, {
    what: "the stranger's second request",
  });
  await waitFor(async () => (await readRequests(master))[before]?.results === Results.CANCELLED, {
    what: "the first one to be cancelled",
  });
  const waiting = (await readRequests(master))[before + 1] as Request;
  const why = async () => JSON.stringify((await master.api(`buildrequests/${waiting.buildrequestid}/why`)).body);
  await waitFor(async () => (await why()).includes("awaits_approval"), { what: "the stranger to wait" });
  expect((await master.apiPost(`buildrequests/${waiting.buildrequestid}`, "approve")).status).toBe(200);
  // The steps are those of the base branch, and get no secret.
  const theirs = await waitFor(
    async () => (await readBuilds(master)).slice(3).find((one) => one.builder === "version" && one.results !== null),
    {
      what: "the stranger's build",
    },
  );
  expect([theirs.results, await stepsOf(master, theirs)]).toEqual([
    Results.EXCEPTION,
    ["git: 0", "from-repository: 0", "test: 0", "coverage: 4"],
  ]);
});

it("an emulator pushes its builds to a site, and packages what is released", async () => {
  const site = await startReportTarget();
  const master = await start("emulator", { SITE: site.url, SITE_SECRET: "a secret of the site" });
  await attach(master, ["linux"]);
  await commitUntilSeen(master, () => repository.commit());
  await ended(master, "linux debug", Results.SUCCESS);
  repository.commit({ branch: "v1.0" });
  const released = await ended(master, "linux package", Results.SUCCESS);
  expect(released.properties["channel"]?.[0]).toBe("stable");
  await waitFor(() => site.calls.some(({ path }) => path === "/releases"), { what: "the release" });
  const heard = () =>
    site.calls.flatMap(({ path, body }) =>
      path === "/builds" && body.builder?.name === "linux package" ? [body.complete] : [],
    );
  await waitFor(() => heard().length === 2, { what: "the package's start and end" });
  expect(heard()).toEqual([false, true]);
});

it("a database is tested by another team's engine, with the results of its tests", async () => {
  const cluster = await startCluster({
    config: "configs/farms/database-vendor/cluster.ts",
    router: false,
    env: passwords,
  });
  const { REPOSITORY: _, ...surroundings } = cluster.env;
  const run = (options: Partial<MasterOptions>) =>
    cluster.master({ ...options, env: { ...surroundings, REPOSITORY: repository.url, WAMP_ROUTER: undefined } });
  const front = await run({ roles: ["scheduler", "ui"], name: "front" });
  const engines = await Promise.all(
    ["server", "engines"].map((set) => run({ roles: ["builder-engine"], builders: [set], name: set })),
  );
  await Promise.all([front, ...engines].map((master) => master.waitReady()));
  await Promise.all(engines.map((engine, i) => attach(engine, [`debian-${i + 1}`], front)));
  await commitUntilSeen(front, () => repository.commit());
  const server = await ended(front, "server debian", Results.FAILURE);
  expect(await stepsOf(front, server)).toEqual(["git: 0", "build: 0", "server: 0", "junit: 2", "trigger: 2"]);
  for (const name of ["columns debian", "rows debian"]) await ended(front, name, Results.FAILURE);
  const { test_result_sets: sets } = (
    await front.api<{ test_result_sets: { tests_failed: number }[] }>(`builds/${server.buildid}/test_result_sets`)
  ).body;
  expect(sets).toHaveLength(1);
});
