import { execFileSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { silentLog } from "@multimaster/core";
import type { CommandOptions, ShellCommand, StepContext, StepDefinition } from "@multimaster/plugins";
import git from "@multimaster/plugins/steps/git";
import type { CommandName, CommandRequest, WorkerLink } from "@multimaster/wire";
import { createWorker } from "@multimaster/worker";
import { describe, expect, it } from "vitest";
import { startBuildbotWorker } from "../harness/buildbot-worker.ts";
import { markedEnvironment } from "../harness/cleanup.ts";
import { startGitHttpServer } from "../harness/git-http-server.ts";
import { createGitRepository, isolatedGitEnvironment } from "../harness/git-repository.ts";
import { temporaryDirectory } from "../harness/temporary-directory.ts";
import { openWorkerPort } from "./worker-port.ts";

const password = "ghp-SecretToken1";

/** Programs that are workers, each connected to the port, in the C locale. */
const workers: readonly [what: string, start: (port: number) => Promise<{ stop(): Promise<void> }>][] = [
  [
    "buildbot-worker 4.3.0",
    (port) =>
      startBuildbotWorker({
        port,
        name: "w",
        password: "secret",
        env: { LC_ALL: "C", LANG: "C", PYTHONUTF8: "0", PYTHONCOERCECLOCALE: "0" },
      }),
  ],
  [
    "our worker",
    async (port) => {
      const worker = createWorker({
        url: `ws://127.0.0.1:${port}/`,
        name: "w",
        password: "secret",
        basedir: temporaryDirectory("worker"),
        log: silentLog,
        environment: { PATH: process.env["PATH"] ?? "", LC_ALL: "C", ...markedEnvironment() },
      });
      await worker.start();
      return worker;
    },
  ],
];

/** Runs the step on a worker, below a directory of its machine; resolves to all that its log would show. */
async function run(link: WorkerLink, directory: string, repourl: string, branch: string | null, difference?: string) {
  const patch = difference === undefined ? null : { patchid: 1, level: 1, subdir: "straße", author: "", comment: "" };
  const stamp = { codebase: "", branch, revision: null, patch };
  const log: string[] = [];
  const properties = new Map<string, unknown>();
  async function command(name: string, args: object, options: CommandOptions = {}) {
    let [stdout, files]: [string, readonly string[]] = ["", []];
    const outcome = await link.startCommand({
      id: randomUUID(),
      name: name as CommandName,
      args: args as CommandRequest["args"],
      onUpdate(update) {
        if (update.kind === "files") files = update.files;
        if (update.kind !== "stream") return;
        log.push(update.text);
        if (update.name === "stdout") stdout += update.text;
      },
      ...(options.download === undefined ? {} : { download: options.download }),
    } as CommandRequest);
    if (outcome.kind !== "completed") throw new Error(`${name}: ${JSON.stringify(outcome)}`);
    return { rc: outcome.rc, stdout: options.capture ? stdout : "", files, stat: undefined };
  }
  const path = (...parts: string[]) => join(directory, ...parts);
  const ctx = {
    name: "git",
    worker: { name: "w" },
    property: () => undefined,
    build: { sources: [stamp] },
    source: () => stamp,
    readPatch: async () => Buffer.from(difference ?? ""),
    setState: () => {},
    hide: () => {},
    path,
    properties: { get: () => undefined, set: (name: string, value: unknown) => void properties.set(name, value) },
    command,
    shell: ({ workdir = "build", initialStdin, ...args }: ShellCommand, options?: CommandOptions) =>
      command("shell", { ...args, workdir: path(workdir), initial_stdin: initialStdin ?? null }, options),
    log: async () => ({ write: async (text: string) => void log.push(text) }),
    sleep: async () => {},
  } as unknown as StepContext;
  const { plugin, options } = git({ repourl, submodules: true, mode: "full" });
  const end = await (plugin as StepDefinition).run(ctx, options as Record<string, unknown>);
  return { end, got: properties.get("got_revision"), log: log.join("") };
}

function findIn(directory: string, text: string): string[] {
  return readdirSync(directory, { recursive: true, encoding: "utf8" }).filter((name) => {
    const file = join(directory, name);
    return statSync(file).isFile() && readFileSync(file, "latin1").includes(text);
  });
}

describe.each(workers)("the git step on %s", (_, start) => {
  it("builds branches of any name in the C locale, with credentials that nothing shows or keeps", async () => {
    const served = temporaryDirectory("served");
    const library = createGitRepository({ files: { lib: "library" } });
    const main = createGitRepository();
    main.git("-c", "protocol.file.allow=always", "submodule", "add", "--quiet", library.url, "lib");
    main.git("config", "--file", ".gitmodules", "submodule.lib.url", "../library.git");
    const revision = main.commit();
    main.git("push", "--quiet", "origin", "main:refs/heads/feature/🦆");
    for (const [repository, name] of [
      [library, "library.git"],
      [main, "main.git"],
    ] as const)
      execFileSync("git", ["clone", "--quiet", "--mirror", repository.path, join(served, name)], {
        env: isolatedGitEnvironment(served),
      });
    const server = await startGitHttpServer(served, { name: "ci", password });
    const port = await openWorkerPort("w", "secret");
    const worker = await start(port.port);
    try {
      const link = await port.waitForWorker();
      const directory = temporaryDirectory("build");
      for (const branch of ["feature/🦆", null]) {
        const { end, got, log } = await run(link, directory, `http://ci:${password}@${server.host}/main.git`, branch);
        expect([branch, end.results, end.reason, got]).toEqual([branch, 0, undefined, revision]);
        expect(log).not.toContain(password);
      }
      expect(readFileSync(join(directory, "build/lib/lib"), "utf8")).toBe("library");
      const text = "tried: \u{1f986}\n".repeat(20_000);
      const lines = text.replaceAll("tried", "+tried");
      const patch = `diff --git a/f b/f\nnew file mode 100644\n--- /dev/null\n+++ b/f\n@@ -0,0 +1,20000 @@\n${lines}`;
      const tried = await run(link, directory, `http://ci:${password}@${server.host}/main.git`, null, patch);
      expect([tried.end.results, tried.end.reason, tried.got]).toEqual([0, undefined, revision]);
      expect(readFileSync(join(directory, "build/straße/f"), "utf8")).toBe(text);
      expect(findIn(directory, password)).toEqual([]);
    } finally {
      await worker.stop();
      await port.stop();
      await server.stop();
    }
  });
});
