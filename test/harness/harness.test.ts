import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { startBuildbotWorker } from "./buildbot-worker.ts";
import { startCrossbar } from "./crossbar.ts";
import { createGitRepository } from "./git-repository.ts";
import { findNodeWarning } from "./node-warnings.ts";
import { freePort, isListening } from "./ports.ts";
import { sharedPostgres, startPostgres } from "./postgres.ts";
import { isAlive, startProcess } from "./processes.ts";
import { temporaryDirectory } from "./temporary-directory.ts";
import { waitFor } from "./wait-for.ts";

it("a PostgreSQL server hands out empty databases, and survives a crash with its data", async () => {
  const postgres = await sharedPostgres();
  expect(await sharedPostgres()).toBe(postgres);
  const [one, two] = [await postgres.createDatabase(), await postgres.createDatabase()];
  await postgres.psql("create table t (n int); insert into t values (7)", one);
  expect(await postgres.psql("select count(*)::int as n from pg_tables where schemaname = 'public'", two)).toEqual([
    { n: 0 },
  ]);
  await postgres.restart("immediate");
  expect(await postgres.psql("select n from t", one)).toEqual([{ n: 7 }]);
  await postgres.kill();
  await expect(postgres.psql("select 1")).rejects.toThrow();
  await postgres.start();
  expect(await postgres.psql("select n from t", one)).toEqual([{ n: 7 }]);
  await postgres.restart("fast");
  expect(await postgres.psql("select n from t", one)).toEqual([{ n: 7 }]);
});

it("a frozen PostgreSQL server answers nothing until it is thawed", async () => {
  const postgres = await startPostgres();
  postgres.freeze();
  await expect(postgres.psql("select 1")).rejects.toThrow(/timeout/);
  postgres.thaw();
  expect(await postgres.psql("select 1 as one")).toEqual([{ one: 1 }]);
  await postgres.stop();
});

it("a crossbar router is killed, comes back on its port, freezes and thaws", async () => {
  const crossbar = await startCrossbar();
  expect(crossbar.realm).toBe("buildbot");
  await crossbar.kill();
  expect(await isListening(crossbar.port)).toBe(false);
  await crossbar.start();
  expect(await isListening(crossbar.port)).toBe(true);
  const answers = () =>
    fetch(crossbar.url.replace("ws", "http"), { signal: AbortSignal.timeout(500) }).then(
      () => true,
      () => false,
    );
  await waitFor(answers, { what: "the router to answer" });
  crossbar.freeze();
  expect(await answers()).toBe(false);
  crossbar.thaw();
  await waitFor(answers, { what: "the router to answer" });
  await crossbar.stop();
  expect(await isListening(crossbar.port)).toBe(false);
});

it("a buildbot-worker runs and is stopped", async () => {
  const worker = await startBuildbotWorker({ port: await freePort(), name: "w1", password: "secret" });
  await waitFor(() => worker.log().includes("Starting Worker"), { what: "the worker's first lines" });
  await worker.stop();
  expect(isAlive(worker.pid)).toBe(false);
});

it("a git repository takes commits on branches, force-pushes and deletions", () => {
  const repository = createGitRepository({ files: { "a.txt": "1\n" } });
  const first = repository.revision();
  const second = repository.commit({
    files: { "a.txt": "2\n", "b/c.txt": "3\n" },
    message: "Second",
    author: "Eve <eve@example.org>",
  });
  const branched = repository.commit({ branch: "feature", files: { "b/c.txt": null } });
  const at = (name: string) =>
    execFileSync("git", ["-C", repository.path, "rev-parse", "--verify", "--quiet", name], { encoding: "utf8" }).trim();
  expect([at("main"), at("feature"), at("main~1")]).toEqual([second, branched, first]);
  expect(execFileSync("git", ["-C", repository.path, "log", "-1", "--format=%an", "main"], { encoding: "utf8" })).toBe(
    "Eve\n",
  );
  const third = repository.forcePush("main", first, { message: "Another second" });
  expect(at("main")).toBe(third);
  repository.deleteBranch("feature");
  expect(() => at("refs/heads/feature")).toThrow();
});

it("waiting for output fails immediately, with the output, when the process ends before", async () => {
  const short = await startProcess({ name: "short", command: "sh", args: ["-c", "echo only this; exit 3"] });
  await expect(short.waitForOutput("never")).rejects.toThrow(
    /short ended with exit code 3 before it printed .*only this/s,
  );
  await expect(waitFor(() => false, { what: "a miracle", timeoutMs: 10 })).rejects.toThrow(
    /^waited [\d.]+ s for a miracle/,
  );
});

it("a warning of Node is found in what a program prints, whether it prints text or logs it", () => {
  const listen = 'const e = new EventTarget(); for (let n = 0; n < 11; n++) e.addEventListener("x", () => n);';
  // Not a process of the harness: that lets the test fail.
  const { stderr } = spawnSync(process.execPath, ["-e", listen], {
    encoding: "utf8",
    env: { ...process.env, NODE_NO_WARNINGS: "", NODE_OPTIONS: "" },
  });
  expect(findNodeWarning(`{"msg":"before"}\n${stderr}{"msg":"after"}\n`)).toMatch(
    /^\(node:\d+\) MaxListenersExceededWarning: .*/,
  );
  expect(findNodeWarning('{"msg":"Node.js warns: a leak"}\n')).toContain("a leak");
  expect(findNodeWarning('{"msg":"a Warning (node:1)"}\nWarning: nothing\n')).toBeUndefined();
});

it("nothing survives a test process that is killed, not even a command that left its parent's group", async () => {
  // The same harness in a process of its own, which dies without a chance to clean up.
  const script = join(temporaryDirectory("script"), "script.ts");
  const from = (name: string) => JSON.stringify(join(import.meta.dirname, name));
  writeFileSync(
    script,
    `import { startProcess } from ${from("processes.ts")};
     import { temporaryDirectory } from ${from("temporary-directory.ts")};
     const directory = temporaryDirectory("killed");
     const child = await startProcess({ name: "parent", command: "sh", args: ["-c", "setsid sleep 1000 & echo $!; sleep 1000"] });
     await child.waitForOutput("\\n");
     console.log(JSON.stringify({ pids: [child.pid, Number(child.stdout())], directory }));
     setInterval(() => {}, 1000);`,
  );
  const jiti = join(import.meta.dirname, "../../node_modules/jiti/lib/jiti-cli.mjs");
  const harness = await startProcess({
    name: "harness",
    command: process.execPath,
    args: [jiti, script],
    env: { VITEST: undefined },
  });
  const [line] = await harness.waitForOutput(/\{.*\}/);
  const left = JSON.parse(line) as { pids: number[]; directory: string };
  expect([left.pids.map(isAlive), existsSync(left.directory)]).toEqual([[true, true], true]);
  await harness.kill();
  await waitFor(() => !left.pids.some(isAlive) && !existsSync(left.directory), { what: "the watchdog to clean up" });
});
