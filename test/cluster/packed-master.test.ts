import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { createGitRepository } from "../harness/git-repository.ts";
import { freePorts } from "../harness/ports.ts";
import { startProcess, type TestProcess } from "../harness/processes.ts";
import { temporaryDirectory } from "../harness/temporary-directory.ts";
import { newDatabaseUrl } from "../harness/test-databases.ts";
import { waitFor } from "../harness/wait-for.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const pack = join(root, "packages/cli/bin/pack.mjs");

/** As `npm install` does without a network: packages of others are those of this checkout. */
function install(tarball: string, directory: string): string {
  const modules = join(directory, "node_modules");
  const installed = join(modules, "multimaster");
  mkdirSync(installed, { recursive: true });
  execFileSync("tar", ["xzf", tarball, "--strip-components=1", "-C", installed]);
  for (const name of readdirSync(join(root, "node_modules")))
    if (!name.startsWith(".") && name !== "@multimaster")
      symlinkSync(join(root, "node_modules", name), join(modules, name));
  return join(installed, "bin");
}

it("the packed program is installed into an empty folder, and each step that `master init` prints works as it stands there", async () => {
  const directory = temporaryDirectory("packed-master");
  const repository = createGitRepository({ files: { Makefile: "all:\n\ttrue\n" } });
  const password = "of more than twenty characters";
  const env: Record<string, string> = { WORKER_PASSWORD: password };
  const begin = (command: string): Promise<TestProcess> => {
    const [program = "", ...args] = command.split(" ");
    const file = join(bin, `${program}.mjs`);
    return startProcess({ name: command, command: process.execPath, args: [file, ...args], cwd: directory, env });
  };
  const run = async (command: string): Promise<string> => {
    const started = await begin(command);
    const { code } = await started.waitForExit({ timeoutMs: 120_000 });
    expect(code, started.output()).toBe(0);
    return started.stdout();
  };
  const bin = install(execFileSync(process.execPath, [pack, directory], { encoding: "utf8" }).trim(), directory);

  const printed = await run(`master init ci --repository ${repository.path}`);
  execFileSync(join(root, "node_modules/.bin/tsc"), ["-p", "ci"], { cwd: directory });
  // Other tests may have the ports of the starter config.
  const [ui, workers, more] = (await freePorts(3)).map(String) as [string, string, string];
  const changePorts = (text: string) => text.replaceAll("8010", ui).replaceAll("9989", workers);
  for (const [name, range] of [
    ["ui", "8010-8013"],
    ["workers", "9989-9992"],
  ] as const) {
    const file = join(directory, "ci", `${name}.ts`);
    const text = readFileSync(file, "utf8");
    expect(text).toContain(`port: "${range}"`);
    const ports = name === "ui" ? ui : `${workers}", "${more}`;
    writeFileSync(file, text.replace(`port: "${range}"`, `port: ["${ports}"].map(Number)`));
  }
  const commands = [...printed.matchAll(/^ {2}((?:master|worker) .*)$/gm)].map((match) => changePorts(match[1] ?? ""));
  const [start, force, startWorker, copy, startEngine] = commands as [string, string, string, string, string];
  expect(commands).toHaveLength(5);

  const first = await begin(start);
  const count = async (path: string) => {
    const response = await fetch(`http://127.0.0.1:${ui}/api/v2/${path}`).catch(() => undefined);
    return response?.ok ? ((await response.json()) as { meta: { total: number } }).meta.total : -1;
  };
  await waitFor(async () => (await count("builders?name=hello")) === 1, {
    what: "the pages to be there",
    timeoutMs: 60_000,
  });
  expect(await run(force)).toContain("success");
  writeFileSync(join(directory, "worker-1.password"), `${password}\n`, { mode: 0o600 });
  const worker = await begin(startWorker);
  await waitFor(() => first.output().includes("worker worker-1 is attached"), { what: "worker-1 to be attached" });
  first.signal("SIGTERM");
  expect(await first.waitForExit({ timeoutMs: 60_000 })).toMatchObject({ code: 0 });

  env["DATABASE_URL"] = await newDatabaseUrl("postgresql");
  expect(await run(copy)).toContain(": 1 builds, ");
  const second = await begin(start);
  await waitFor(async () => (await count("builds")) >= 1, { what: "the history to be there", timeoutMs: 60_000 });
  const engine = await begin(startEngine);
  await waitFor(() => engine.output().includes("master is ready"), { what: "the second master", timeoutMs: 60_000 });
  expect(await run(force)).toContain("hello #2");
  for (const each of [worker, engine, second]) each.signal("SIGTERM");
});
