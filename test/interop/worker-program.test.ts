import { randomUUID } from "node:crypto";
import { chmodSync, existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { isAlive, runProcess, startProcess } from "../harness/processes.ts";
import { temporaryDirectory } from "../harness/temporary-directory.ts";
import { waitFor } from "../harness/wait-for.ts";
import { openWorkerPort } from "./worker-port.ts";

const program = fileURLToPath(new URL("../../packages/worker/bin/worker.mjs", import.meta.url));
const terminalProgram = fileURLToPath(new URL("../harness/own-terminal.py", import.meta.url));
const root = fileURLToPath(new URL("../..", import.meta.url));

function writePassword(password: string): string {
  const file = join(temporaryDirectory("password"), "password");
  writeFileSync(file, `${password}\n`);
  chmodSync(file, 0o600);
  return file;
}

function startWorker(port: number, passwordFile: string, basedir = temporaryDirectory("worker")) {
  const args = [
    "start",
    "--master",
    `ws://127.0.0.1:${port}`,
    "--name",
    "own",
    "--password-file",
    passwordFile,
    "--basedir",
    basedir,
  ];
  return startProcess({ name: "worker", command: process.execPath, args: [program, ...args] });
}

/** The program runs what was built; the tests of its parts run the source. */
beforeAll(async () => {
  const tsc = join(root, "node_modules/typescript/bin/tsc");
  await runProcess({ name: "tsc", command: process.execPath, args: [tsc, "-b", "packages/worker"], cwd: root });
});

describe("the worker program", () => {
  it("prints its version and how to use it", async () => {
    const run = (...args: string[]) =>
      runProcess({ name: "worker", command: process.execPath, args: [program, ...args] });
    expect((await run("--version")).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
    expect((await run("start", "--help")).stdout).toContain("--password-file");
  });

  it.each([0o644, 0o640, 0o606])("takes no password from a file that others can read (mode %o)", async (mode) => {
    const file = writePassword("pass");
    chmodSync(file, mode);
    const args = ["start", "--master", "ws://127.0.0.1:1", "--name", "own", "--password-file", file];
    const refused = await startProcess({ name: "worker", command: process.execPath, args: [program, ...args] });
    expect((await refused.waitForExit()).code).toBe(2);
    const sentence = `The password file ${file} is not used: other users of this machine can read it: chmod 600 ${file}.`;
    expect(refused.stderr()).toBe(`${sentence}\n`);
  });

  it("says in one sentence what is wrong with its arguments", async () => {
    const missing = await startProcess({ name: "worker", command: process.execPath, args: [program, "start"] });
    expect((await missing.waitForExit()).code).toBe(2);
    expect(missing.stderr()).toMatch(/^error: required option '--master/);
    expect(missing.stderr()).toContain(
      "\n(as in: worker start --master wss://ci.example:9989 --name worker-1 --password-file",
    );

    const noFile = await startWorker(1, "/no/such/file");
    expect((await noFile.waitForExit()).code).toBe(2);
    expect(noFile.stderr()).toMatch(/^The password file \/no\/such\/file cannot be read/);
    expect(noFile.stderr()).not.toContain("    at ");

    const password = writePassword("pass");
    const noDirectory = await startWorker(1, password, password);
    expect((await noDirectory.waitForExit()).code).toBe(2);
    expect(noDirectory.stderr()).toBe(
      `The worker cannot start: builds cannot run in ${password}: a file stands where a directory must be. Name a directory that this user may write (--basedir).\n`,
    );

    const args = [program, "start", "--master", "ci.example:9989", "--name", "own", "--password-file", password];
    const noAddress = await startProcess({ name: "worker", command: process.execPath, args });
    expect((await noAddress.waitForExit()).code).toBe(2);
    expect(noAddress.stderr()).toBe(
      '"ci.example:9989" is no address of a master (--master): it must be like wss://ci.example:9989 or ws://127.0.0.1:9989.\n',
    );
  });

  it.each(["ws://ci.example:9989", "http://10.0.0.1:9989", "ws://[2001:db8::1]:1", "ws://127.0.0.1.example:1"])(
    "sends no password to %s unencrypted, unless that is meant",
    async (address) => {
      const args = ["start", "--master", address, "--name", "own", "--password-file", writePassword("pass")];
      const refused = await startProcess({ name: "worker", command: process.execPath, args: [program, ...args] });
      expect((await refused.waitForExit()).code).toBe(2);
      expect(refused.stderr()).toMatch(/is another machine, and ws:\/\/ is not encrypted.*--insecure/);
    },
  );

  it("works for a master, and on SIGTERM kills what it runs and exits with 0", async () => {
    const port = await openWorkerPort("own", "pass");
    const basedir = join(temporaryDirectory("worker"), "made");
    const worker = await startWorker(port.port, writePassword("pass"), basedir);
    const link = await port.waitForWorker();
    expect((await link.getInfo()).basedir).toBe(basedir);
    expect(existsSync(basedir)).toBe(true);

    let output = "";
    await link.configure({ settings: { buffer_timeout: 0.05 } });
    const outcome = link.startCommand({
      id: randomUUID(),
      name: "shell",
      args: { workdir: basedir, command: "trap '' TERM; echo $$; while :; do sleep 0.1; done" },
      onUpdate(update) {
        if (update.kind === "stream" && update.name === "stdout") output += update.text;
      },
    });
    const pid = await waitFor(() => Number(/^(\d+)$/m.exec(output)?.[1]), { what: "the command's output" });
    worker.signal("SIGTERM");
    expect(await worker.waitForExit()).toEqual({ code: 0, signal: null });
    expect(await outcome).toEqual({ kind: "lost" });
    await waitFor(() => !isAlive(pid), { what: "the command to be killed" });
    await port.stop();
  });

  it("says once that its password is wrong, and keeps trying", async () => {
    const port = await openWorkerPort("own", "right");
    const worker = await startWorker(port.port, writePassword("wrong"));
    await waitFor(() => port.refusals() >= 2, { what: "two refused attempts" });
    await worker.stop();
    const sentences = worker.stderr().match(/no worker \\"own\\" with this password is configured/g);
    expect(sentences).toHaveLength(1);
    expect(worker.stderr()).not.toContain("wrong\n");
    await port.stop();
  });

  it.each([
    ["right", 0, /^ok +the master at \S+ takes worker "own"$/m],
    ["wrong", 3, /^failed +the master at \S+ knows no worker "own" with this password \(401\)$/m],
  ])("checks with a master whether its password is right: %s", async (password, exitCode, finding) => {
    const port = await openWorkerPort("own", "right");
    const [master, basedir] = [`ws://127.0.0.1:${port.port}`, temporaryDirectory("worker")];
    const options = [
      "--master",
      master,
      "--name",
      "own",
      "--password-file",
      writePassword(password),
      "--basedir",
      basedir,
    ];
    const args = [program, "check", ...options];
    const check = await startProcess({ name: "worker check", command: process.execPath, args });
    expect((await check.waitForExit()).code, check.output()).toBe(exitCode);
    expect(check.output()).toMatch(finding);
    await port.stop();
  });

  it("exits with 0 when a master asks it to end", async () => {
    const port = await openWorkerPort("own", "pass");
    const worker = await startWorker(port.port, writePassword("pass"));
    await (await port.waitForWorker()).shutdown();
    expect(await worker.waitForExit()).toEqual({ code: 0, signal: null });
    await port.stop();
  });

  it("goes on when its terminal is closed, and ends in order afterwards", async () => {
    const port = await openWorkerPort("own", "pass");
    const args = ["--master", `ws://127.0.0.1:${port.port}`, "--name", "own", "--password-file", writePassword("pass")];
    const terminal = await startProcess({
      name: "terminal",
      command: "python3",
      args: [terminalProgram, process.execPath, program, "start", ...args, "--basedir", temporaryDirectory("worker")],
    });
    const link = await port.waitForWorker();
    const pid = Number((await terminal.waitForOutput(/^(\d+)\n/))[1]);
    await terminal.kill();
    // What is logged can go nowhere from now on.
    for (let n = 0; n < 3; n += 1) await link.print(`still there? ${n}`);
    for (const signal of ["SIGHUP", "SIGUSR1", "SIGUSR2"]) process.kill(pid, signal);
    await link.ping();
    process.kill(pid, "SIGTERM");
    await link.closed;
    await waitFor(() => !isAlive(pid), { what: "the worker to end" });
    await port.stop();
  });
});
