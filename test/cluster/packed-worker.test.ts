import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { startProcess } from "../harness/processes.ts";
import { temporaryDirectory } from "../harness/temporary-directory.ts";

const pack = fileURLToPath(new URL("../../packages/worker/bin/pack.mjs", import.meta.url));

it("the packed worker program is installed without a network, runs, and checks its surroundings", async () => {
  const directory = temporaryDirectory("packed-worker");
  const run = async (command: string, args: readonly string[]) => {
    const started = await startProcess({ name: args[0] ?? command, command, args: [...args], cwd: directory });
    return { ...(await started.waitForExit({ timeoutMs: 120_000 })), said: started.output() };
  };
  const packed = await run(process.execPath, [pack, directory]);
  expect(packed.code, packed.said).toBe(0);
  const [tarball] = /\S+\.tgz$/m.exec(packed.said.trim()) ?? [];
  const installed = await run("npm", [
    "install",
    "--offline",
    "--no-audit",
    "--no-fund",
    "--prefix",
    directory,
    String(tarball),
  ]);
  expect(installed.code, installed.said).toBe(0);

  const password = join(directory, "password");
  writeFileSync(password, "of twenty characters\n", { mode: 0o600 });
  const program = join(directory, "node_modules/.bin/multimaster-worker");
  expect((await run(program, ["start", "--help"])).said).toContain("Usage: multimaster-worker start [options]");
  // A reader that reads no further ends it quietly.
  const piped = await run("sh", ["-c", `'${program}' --help | true; '${program}' start --help | head -1`]);
  expect(piped.said).toBe("Usage: multimaster-worker start [options]\n");
  const base = join(directory, "base");
  const master = ["--master", "ws://127.0.0.1:1", "--name", "w1", "--password-file", password, "--basedir", base];
  const checked = await run(program, ["check", ...master]);
  expect(checked.said).toContain(`ok      builds run in ${base}`);
  expect(checked.said).toContain("ok      /bin/sh runs");
  expect(checked.said).toContain("failed  no master can be reached at ws://127.0.0.1:1");
  expect(checked.code).toBe(3);
});
