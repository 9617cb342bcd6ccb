import { readFileSync, statSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { clusterConfig, type PluginDescriptor } from "@multimaster/config";
import { Results } from "@multimaster/core";
import directory from "@multimaster/plugins/artifact-stores/directory";
import s3 from "@multimaster/plugins/artifact-stores/s3";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { startBuildbotWorker } from "../../harness/buildbot-worker.ts";
import { type Engine, endAfterTest, localWorkers, type Steps, startEngine } from "../../harness/engine.ts";
import { startS3, type TestS3 } from "../../harness/s3-server.ts";
import { temporaryDirectory } from "../../harness/temporary-directory.ts";
import { fakeSsh, startSources } from "./showcase-sources.ts";

const state = temporaryDirectory("showcase");
/** It is not there yet. */
const published = join(state, "published");
vi.stubEnv("MULTIMASTER_STATE", state);
vi.stubEnv("REPOSITORY_PASSWORD", "secret-word");
const { default: showcase } = await import("../../../configs/showcase/builders.ts");
const builders: Record<string, Steps> = Object.fromEntries(showcase.builders.map(({ name, steps }) => [name, steps]));
const secrets = showcase.secrets as Record<string, string>;

let storage: TestS3;
beforeAll(async () => {
  storage = await startS3();
});
afterAll(() => storage.stop());
afterEach(() => vi.unstubAllEnvs());

function shared(store: PluginDescriptor<"artifact-store">) {
  const { artifacts, onMaster } = clusterConfig.parse({
    name: "showcase",
    database: "sqlite:unused",
    artifacts: { store },
    onMaster: { commands: true, readFrom: [published], writeTo: [published] },
  });
  return { artifacts, onMaster };
}

let buckets = 0;

const engines = {
  "our own worker and a directory": () =>
    startEngine(builders, {
      secrets,
      workers: localWorkers,
      shared: shared(directory({ path: temporaryDirectory("artifacts") })),
    }),
  "buildbot-worker and S3": async () => {
    const workers = { host: "127.0.0.1", port: 0, workers: [{ name: "w1", password: "secret", maxBuilds: 2 }] };
    buckets += 1;
    const store = s3(await storage.makeBucket(`showcase-${buckets}`));
    const engine = await startEngine(builders, { secrets, workers, shared: shared(store) });
    const worker = await startBuildbotWorker({ port: engine.port(), name: "w1", password: "secret" });
    endAfterTest(() => worker.stop());
    return engine;
  },
};

/** What the showcase's `web` asks: it is busy once, and remembers who asked. */
async function startService(): Promise<{ url: string; asked: string[] }> {
  const asked: string[] = [];
  const server = createServer(async (request, answer) => {
    const path = (request.url ?? "").split("?")[0];
    let body = "";
    for await (const block of request) body += block;
    asked.push(`${request.method} ${path} ${request.headers["x-token"] ?? "-"} ${body}`);
    if (path === "/slow") return;
    const status = path === "/gone" ? 404 : asked.length === 1 ? 503 : 200;
    answer.writeHead(status, { "content-type": "text/plain" }).end(status === 200 ? "forty-two" : "");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  endAfterTest(async () => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

describe.each(Object.entries(engines))("the showcase on %s", (kind, start) => {
  const builtHere = new Set<string>();

  /** Builds it; returns the build's end and that of each step, without the preparation of the worker. */
  async function build(engine: Engine, builder: string, properties: Record<string, [string, string]> = {}) {
    builtHere.add(builder);
    const [end] = await engine.finished(await engine.submit(builder, { properties }));
    const buildid = end?.buildid as number;
    const steps = (await engine.stepsOf(buildid)).slice(1);
    const logText = (step: string, log: string) =>
      engine.logText(steps.find(({ name }) => name === step)?.stepid as number, log);
    return {
      end: [end?.results, end?.state_string],
      steps: steps.map(({ name, results, state_string }) => `${name}: ${results} ${state_string}`),
      properties: await engine.properties(buildid),
      logText,
    };
  }

  it("checks out sources from git, Subversion and Mercurial", { timeout: 240_000 }, async () => {
    const { git, large, node, properties: given } = await startSources();
    const ssh = fakeSsh();
    vi.stubEnv("PATH", `${ssh.directory}:${process.env["PATH"]}`);
    const engine = await start();
    const properties = Object.fromEntries(Object.entries(given).map(([name, value]) => [name, [value, "test"]]));
    const { end, steps, properties: got } = await build(engine, "sources", properties as never);
    const short = (branch: string) => git.revision(branch).slice(0, 10);
    expect(steps).toEqual([
      `git: 0 update main ${short("main")}`,
      `merge: 0 update topic ${short("topic")} into main`,
      `tools: 0 update tools ${short("tools")}`,
      `signed: 0 update signed ${short("signed")}`,
      `large: 0 update HEAD ${large.revision.slice(0, 10)}`,
      `with a key: 0 update HEAD ${short("main")}`,
      "svn: 0 update trunk r2",
      `hg: 0 update default ${node.slice(0, 12)}`,
    ]);
    expect(end).toEqual([Results.SUCCESS, "build successful"]);
    expect(got["commit-description"]).toEqual([`v1-1-g${git.revision().slice(0, 7)}`, "Git"]);
    expect(got["got_revision"]).toEqual([git.revision(), "Git"]);
    expect(ssh.seen()).toContain("git@repositories.example");
    expect(ssh.seen()).toContain(secrets["deploy-key"]);
  });

  it("runs programs in many ways", async () => {
    const { end, steps, logText } = await build(await start(), "programs");
    expect(steps).toEqual([
      "surroundings: 0 greeted",
      "terminal: 0 'test -t ...'",
      "watched: 0 'for i ...'",
      "endless: 2 'trap 'exit ...' (more than 50 lines of output)",
      "odd code: 1 'exit 3' (warnings)",
      expect.stringMatching(/^with locks: 0 'echo port 400[12]'$/),
    ]);
    expect(end).toEqual([Results.SUCCESS, "build successful"]);
    const surroundings = await logText("surroundings", "stdio");
    expect(surroundings).toMatch(/^ohello from .*elsewhere$/m);
    expect(surroundings).toMatch(/^h.*GREETING=hello$/m);
    expect(surroundings).not.toMatch(/^enot kept$/m);
    expect(await logText("terminal", "stdio")).toContain(kind.startsWith("buildbot-worker") ? "oa terminal" : "onone");
    expect(await logText("watched", "progress")).toContain("3");
    expect(await logText("watched", "stdio")).not.toMatch(/^ounseen/m);
  });

  it("handles files of the worker, and asks about them", async () => {
    const { end, steps } = await build(await start(), "files");
    expect(steps).toEqual([
      "remove-directory: 0 remove .",
      "make-directory: 0 make directory build/out",
      "shell: 0 'echo one ...'",
      "copy-directory: 0 copy build/out to copy",
      "move: 0 move copy/a.txt to copy/b.txt",
      "file-exists: 0 check copy/b.txt",
      "it is a directory: 0 check copy",
      "moved away: 2 check copy/a.txt (there is none)",
      "only once: 3 finished (skipped)",
      "still fresh: 0 'true'",
    ]);
    expect(end).toEqual([Results.SUCCESS, "build successful"]);
  });

  it("makes properties, logs and texts of what programs write", async () => {
    const { end, steps, properties, logText } = await build(await start(), "values");
    expect(end).toEqual([Results.SUCCESS, "build successful"]);
    expect(properties).toMatchObject({
      version: ["1.2.3", "version"],
      major: [1, "parts"],
      code: [0, "parts"],
      passed: [2, "test"],
      failed: [1, "test"],
      label: ["1.2.3-1", "set-properties"],
      list: [[1, 2], "set-properties"],
      "built-flavour": ["dark", "load-properties"],
      "built-size": [7, "load-properties"],
    });
    expect(properties).not.toHaveProperty("built-other");
    expect(steps).toContain("parts: 0 version 1.2.3");
    expect(steps).toContain("test: 0 2 passed, 1 failed");
    expect(await logText("test", "failed")).toBe("c\n");
    expect(await logText("parts", "version")).toBe("1.2.3\n");
  });

  it("stores the results of tests", async () => {
    const { end, steps, logText } = await build(await start(), "tests");
    expect(steps.at(-1)).toBe("test-results: 1 2 passed, 1 failed, 1 skipped (warnings)");
    expect(steps.at(-2)).toMatch(/^junit: 1 \d passed, \d failed, 1 skipped \(warnings\)$/);
    expect(await logText("test-results", "failed tests")).toMatch(/^FAIL sums > large, [\d.]+ s\n[\s\S]*too large/);
    expect(end[0]).toBe(Results.WARNINGS);
  });

  it("counts warnings once each, but for those that are suppressed", async () => {
    const { end, steps, properties, logText } = await build(await start(), "warnings");
    expect(steps).toEqual([
      expect.stringMatching(/^list: 0 /),
      expect.stringMatching(/^compile: 1 'for i ...' \(3 warnings\)$/),
      "strict: 1 'echo W: ...' (1 warning)",
      expect.stringMatching(/^too many: 2 .*\(2 warnings, more than 1 \(maxWarnings\)\)$/),
    ]);
    expect(await logText("compile", "warnings")).toBe("src/a.c:12:5: warning: unused  [3 times]\n");
    expect(properties["warnings-count"]).toEqual([6, "too many"]);
    expect(end[0]).toBe(Results.FAILURE);
  });

  it("keeps files and caches, and gives them to later builds", async () => {
    const engine = await start();
    const first = await build(engine, "with artifacts");
    expect(first.end).toEqual([Results.SUCCESS, "build successful"]);
    expect(first.steps).toEqual([
      "download-text: 0 write lock",
      "restore-cache: 0 no cache",
      expect.stringMatching(/^make: 0/),
      "save-cache: 0 cache saved",
      "upload: 0 1 file uploaded",
      "upload pages: 0 2 files uploaded",
      "no notes: 0 no files to upload",
      "download: 0 download again",
      "publish: 0 1 file uploaded",
      "take back: 0 download back",
      "master-command: 0 'sh -c ...' on the master",
    ]);
    expect(readFileSync(join(published, "app"), "utf8")).toBe("build 1\n");
    expect(statSync(join(published, "app")).mode & 0o777).toBe(0o640);
    expect(first.properties).toMatchObject({
      cache: ["none", "restore-cache"],
      published: ["published 1", "master-command"],
    });
    const taking = await build(engine, "with artifacts of others");
    expect(taking.steps.slice(0, 3)).toEqual([
      "fetch-artifacts: 0 3 artifacts of build 1",
      "the same: 0 3 artifacts of build 1",
      "none of a branch: 1 no artifacts to fetch (no build has any)",
    ]);
    expect(taking.end).toEqual([Results.SUCCESS, "build successful"]);
    expect((await build(engine, "with artifacts")).properties).toMatchObject({ cache: ["partial", "restore-cache"] });
  });

  it("runs several programs in a step, tries again, and cleans up", async () => {
    const { end, steps, logText } = await build(await start(), "several");
    expect(steps).toEqual([
      "sequence: 1 3 commands (failed: 'exit 3')",
      expect.stringMatching(/^flaky: 0 /),
      "not for this code: 2 'exit 1' (failure)",
      "remove: 2 'rm tried; ...' (failure)",
    ]);
    expect(end[0]).toBe(Results.WARNINGS);
    expect(end[1]).not.toContain("rm tried");
    expect(await logText("sequence", "third")).toContain("third");
    expect(await logText("sequence", "clean-up")).toContain("cleaned");
    expect(await logText("flaky", "stdio")).toContain("attempt 1 failed; attempt 2 of 3 follows in 10ms");
  });

  it("ends a build where a step says so", async () => {
    const { end, steps } = await build(await start(), "ends early");
    expect(steps.map((step) => step.split(":")[0])).toEqual(["shell", "end-build", "always"]);
    expect(end).toEqual([Results.SKIPPED, "nothing to do for ends early"]);
  });

  it("adds steps to a build that runs", async () => {
    const { end, steps } = await build(await start(), "adds steps");
    expect(steps).toEqual([
      expect.stringMatching(/^list: 0 /),
      "add-steps: 0 added 2 steps: test unit, test slow",
      "test unit: 0 'echo unit'",
      "test slow: 0 'echo slow'",
      "clean up later: 0 added 1 step: remove",
      "pack: 0 'echo packed'",
      "remove: 0 'rm suites.json'",
    ]);
    expect(end).toEqual([Results.SUCCESS, "build successful"]);
  });

  it("runs steps at the same time", async () => {
    const { end, steps } = await build(await start(), "at the same time");
    expect(steps.map((step) => step.slice(0, 8))).toEqual(["checks: ", "one: 0 '", "two: 0 '", "lint: 2 ", "after: 0"]);
    expect(steps[0]).toBe("checks: 1 3 steps, 2 success, 1 failure (lint: failure)");
    expect(end[0]).toBe(Results.WARNINGS);
  });

  it("shows the steps that a program announces", async () => {
    const { end, steps, properties, logText } = await build(await start(), "announces");
    expect(properties["image"]?.[0]).toBe("small");
    expect(steps.slice(1)).toEqual(["compile: 0 finished", "test: 1 finished (warnings)"]);
    expect(await logText("compile", "stdio")).toBe("ocompiled\n");
    expect(end[0]).toBe(Results.WARNINGS);
  });

  it("does what a file of the repository says", async () => {
    const { end, steps, logText } = await build(await start(), "from a file");
    expect(steps).toEqual([
      expect.stringMatching(/^check out: 0 /),
      "from-repository: 0 2 steps from pipeline.yaml",
      "hello: 0 'echo \"$LEVEL\" ...'",
      expect.stringMatching(/^rest: 0 /),
      "pack: 0 'echo packed'",
    ]);
    expect(await logText("hello", "stdio")).toMatch(/^o2 from a file$/m);
    expect(end).toEqual([Results.SUCCESS, "build successful"]);
  });

  it("asks services on the web", async () => {
    const { url, asked } = await startService();
    const engine = await start();
    const { end, steps, properties } = await build(engine, "web", { server: [url, "test"] });
    expect(end).toEqual([Results.SUCCESS, "build successful"]);
    const host = url.slice("http://".length);
    expect(steps).toEqual([
      `http-request: 0 POST ${host}: 200`,
      `gone: 0 PUT ${host}: 404`,
      `slow: 2 GET ${host} (no complete answer in time (timeout))`,
    ]);
    expect(properties).toMatchObject({ answer: ["forty-two", "http-request"], status: [200, "http-request"] });
    // This config has no address of the pages.
    expect(asked.slice(0, 2)).toEqual(Array(2).fill('POST /ask t {"address":null}'));
  });

  it("builds each item of a matrix, and what others ask for", async () => {
    const engine = await start();
    const ids = await engine.data.updates.schedulers.register(["items"]);
    const triggerable = { builders: ["item"], properties: {}, priority: 0, reason: "triggered", codebases: {} };
    await engine.data.updates.schedulers.publish(ids.get("items") as number, { kind: "builds", triggerable });
    const { end, steps } = await build(engine, "matrix");
    expect(steps).toEqual([
      expect.stringMatching(/^trigger: 0 /),
      "of a branch: 0 triggered items, 1 success",
      "newest: 0 triggered items",
    ]);
    expect(end).toEqual([Results.SUCCESS, "build successful"]);
    builtHere.add("item");
  });

  it("is built as a whole by these tests", () => {
    expect([...builtHere].toSorted()).toEqual(Object.keys(builders).toSorted());
  });
});
