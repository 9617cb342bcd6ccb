import { chmodSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import type { BuildersSliceInput, ClusterConfigInput } from "@multimaster/config";
import { Results } from "@multimaster/core";
import { changes, explainRequests, testResultSets } from "@multimaster/data";
import { queryRows } from "@multimaster/database";
import { checkClusterConfig } from "@multimaster/operator/check-cluster-config";
import { loadClusterConfig } from "@multimaster/operator/load-cluster-config";
import { afterAll, beforeAll, expect, it } from "vitest";
import { configFile } from "../../harness/cluster.ts";
import { type Engine, startEngine } from "../../harness/engine.ts";
import { createGitRepository, type TestGitRepository } from "../../harness/git-repository.ts";
import { waitFor } from "../../harness/wait-for.ts";

const script = (...lines: string[]) => `#!/bin/sh\nset -e\n${lines.join("\n")}\n`;

/** What the farms' builds run, all in one repository. */
const scripts = {
  configure: script('echo "configured $1"'),
  plan: script(
    `echo '[{"name":"kernel","command":["echo","kernel"]},{"name":"image","command":["sh","-c","mkdir -p out; echo image > out/image"]}]' > phases.json`,
  ),
  "list-packages": script(`echo '{"tool":["base","lib"],"lib":["base"],"base":[]}' > "$1"`),
  "build-package": script('echo "built $1"', 'test "$1" != lib'),
  "upload-package": script('test -n "$SIGNING_KEY"', 'echo "uploaded $1"'),
  pack: script('echo "packed for $1"'),
  build: script('echo "built for $1"'),
  "run-tests": script(
    `echo '<testsuite><testcase name="opens"/><testcase name="closes"><failure message="no"/></testcase></testsuite>' > "$2"`,
  ),
};
const steps = `steps:
  - shell: { name: test, command: "echo \${{ branch }} with $VERSION" }
  - shell: { name: coverage, command: "true", env: { TOKEN: "\${{ secret:coverage }}" } }
`;
const makefile = "all:\n\techo made\ntest:\n\techo 'warning: slow'\n";

/** Variables that the farms' configs read. */
const variables: Record<string, string> = Object.fromEntries([
  ...Array.from({ length: 10 }, (_, i) => [`VOLUNTEER_${i + 1}_PASSWORD`, `the password of volunteer ${i}`]),
  ...["BIG", "BUILDER", "OWN", "RENTED", "DEBIAN", "FEDORA"].flatMap((name) =>
    [1, 2].map((i) => [`${name}_${i}_PASSWORD`, `the password of ${name} ${i}`]),
  ),
  ...["LINUX", "WINDOWS", "MAC"].map((name) => [`${name}_PASSWORD`, `the password of ${name}`]),
  ["SIGNING_KEY", "a signing key"],
  ["COVERAGE_TOKEN", "a coverage token"],
  ["GITHUB_SECRET", "the hook's secret"],
]);

const events: string[] = [];
const site = createServer(async (request, answer) => {
  let body = "";
  for await (const block of request) body += block;
  const { event, builder } = JSON.parse(body) as { event: string; builder: string };
  events.push(`${builder}: ${event}`);
  answer.end();
});
let repository: TestGitRepository;
const before = { ...process.env };

beforeAll(async () => {
  repository = createGitRepository({ files: { ...scripts, Makefile: makefile, "ci/steps.yaml": steps } });
  for (const name of Object.keys(scripts)) chmodSync(join(dirname(repository.path), "clone", name), 0o755);
  repository.commit({ message: "runs" });
  await new Promise<void>((resolve) => site.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(site.address() as AddressInfo).port}/`;
  Object.assign(process.env, variables, { REPOSITORY: repository.url, SITE: url });
});

afterAll(() => {
  site.close();
  for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name];
});

/** Checks the config of a farm as `master check-config` does, and starts an engine with its builders on one worker. */
async function start(farm: string, triggered: Readonly<Record<string, readonly string[]>> = {}): Promise<Engine> {
  const file = configFile(`configs/farms/${farm}/cluster.ts`);
  await checkClusterConfig(await loadClusterConfig(file, checkClusterConfig));
  const config = ((await import(file)) as { default: ClusterConfigInput }).default;
  const loaded = await Promise.all(
    Object.values(config.builders ?? {}).map(async (load) => (await load()) as { default: BuildersSliceInput }),
  );
  const slices = loaded.map((module) => module.default);
  const builders = slices.flatMap((slice) => slice.builders);
  const engine = await startEngine(Object.fromEntries(builders.map(({ name, steps }) => [name, steps])), {
    moreOf: Object.fromEntries(builders.map(({ name, steps: _, ...more }) => [name, { ...more, workers: ["w1"] }])),
    secrets: Object.assign({}, ...slices.map(({ secrets }) => secrets ?? {})) as Record<string, string>,
    workers: { workers: [{ name: "w1", local: true, maxBuilds: 4 }] },
  });
  const ids = await engine.data.updates.schedulers.register(Object.keys(triggered));
  const rest = { properties: {}, priority: 0, reason: "triggered", codebases: {} };
  for (const [name, names] of Object.entries(triggered))
    await engine.data.updates.schedulers.publish(ids.get(name) as number, {
      kind: "builds",
      triggerable: { builders: [...names], ...rest },
    });
  return engine;
}

const stampOf = (branch: string, revision: string) => ({ branch, revision, repository: "", project: "", codebase: "" });

async function build(engine: Engine, builder: string, more: object = {}) {
  const sourceStamps = [stampOf("main", repository.revision())];
  const [end] = await engine.finished(await engine.submit(builder, { sourceStamps, ...more }));
  const rows = await engine.stepsOf(end?.buildid as number);
  return {
    results: end?.results,
    buildid: end?.buildid as number,
    steps: rows.slice(1).map(({ name, results }) => `${name}: ${results}`),
  };
}

const childrenOf = (engine: Engine, builder: string) =>
  queryRows<{ results: number }>(
    engine.database,
    "select b.results from builds b join builders u on u.id = b.builderid where u.name = ? order by b.id",
    [builder],
  );

it("a farm of branches and recipes builds, and calls a failed checkout a warning", async () => {
  const engine = await start("per-branch-matrix");
  expect(await build(engine, "debug main")).toMatchObject({
    results: Results.WARNINGS,
    steps: ["git: 0", "configure: 0", "test: 1"],
  });
  const lost = await build(engine, "leaks main", { sourceStamps: [stampOf("main", "f".repeat(40))] });
  expect(lost).toMatchObject({ results: Results.WARNINGS, steps: ["git: 2"] });
});

it("a farm of images asks for free disk, makes steps from JSON, and publishes under a lock", async () => {
  const engine = await start("embedded-images");
  expect(await build(engine, "board-arm")).toMatchObject({
    results: Results.SUCCESS,
    steps: ["git: 0", "plan: 0", "add-steps: 0", "kernel: 0", "image: 0", "copy-directory: 0", "publish: 0"],
  });
});

it("an archive of packages builds them in order, and ends with the first that fails", async () => {
  const engine = await start("package-archive", { package: ["package"] });
  expect(await build(engine, "archive")).toMatchObject({
    results: Results.FAILURE,
    steps: ["git: 0", "list: 0", "add-steps: 0", "build base: 0", "build lib: 2", "build tool: 3"],
  });
  expect((await childrenOf(engine, "package")).map(({ results }) => results)).toEqual([0, 2]);
});

it("a library builds what its repository says, and lets strangers wait", async () => {
  const engine = await start("library");
  expect(await build(engine, "version 22")).toMatchObject({
    results: Results.SUCCESS,
    steps: ["git: 0", "from-repository: 0", "test: 0", "coverage: 0"],
  });
  const properties = { pullrequest_fork: true, pullrequest_base: "main" };
  const stamp = { branch: "refs/pull/1/head", revision: repository.revision() };
  const { changeid } = await engine.data.updates.changes.add({ author: "eve", comments: "c", ...stamp, properties });
  const { sourcestamp } = (await engine.data.get(changes, changeid)) as { sourcestamp: { ssid: number } };
  const id = await engine.submit("version 22", { sourceStamps: [sourcestamp.ssid] });
  const why = async () => (await explainRequests(engine.database, [id])).get(id)?.[0]?.kind;
  await waitFor(async () => (await why()) === "awaits_approval", { what: "the stranger to wait" });
});

it("an emulator tells its site of each build, and packages what is released", async () => {
  const engine = await start("emulator", { "publish linux": ["linux package"] });
  const channel = { properties: { channel: ["stable", "Scheduler"] } };
  expect((await build(engine, "linux release", channel)).results).toBe(Results.SUCCESS);
  await waitFor(async () => events.includes("linux package: published"), { what: "the package" });
  expect(events).toEqual(
    expect.arrayContaining(["linux release: start", "linux release: end", "linux package: published"]),
  );
});

it("a database is tested by what depends on its server, within the load of hosts", async () => {
  const engine = await start("database-vendor", { engines: ["columns debian", "rows debian"] });
  const { steps, buildid } = await build(engine, "server debian");
  expect(steps).toEqual(["git: 0", "build: 0", "server: 0", "junit: 2", "trigger: 2"]);
  for (const name of ["columns debian", "rows debian"]) expect(await childrenOf(engine, name)).toHaveLength(1);
  expect((await engine.data.find(testResultSets, {})).rows.some((set) => set.buildid === buildid)).toBe(true);
});
