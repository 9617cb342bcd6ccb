import { randomUUID } from "node:crypto";
import { silentLog } from "@multimaster/core";
import { afterAll, describe, expect, it } from "vitest";
import { markedEnvironment } from "../../../test/harness/cleanup.ts";
import { isAlive } from "../../../test/harness/processes.ts";
import { temporaryDirectory } from "../../../test/harness/temporary-directory.ts";
import { createLocalWorker } from "./local-worker.ts";

const directory = temporaryDirectory("background");
const environment = { PATH: process.env["PATH"] ?? "", ...markedEnvironment() };
const worker = await createLocalWorker({ name: "w", basedir: directory, log: silentLog, environment });
await worker.start();
const left: number[] = [];
afterAll(async () => {
  await worker.stop();
  for (const pid of left) if (isAlive(pid)) process.kill(pid, "SIGKILL");
});

async function run(command: string) {
  const texts: Record<string, string> = {};
  const outcome = await worker.connect().startCommand({
    id: randomUUID(),
    name: "shell",
    args: { workdir: directory, command, timeout: 60 },
    onUpdate(update) {
      if (update.kind === "stream") texts[update.name] = (texts[update.name] ?? "") + update.text;
    },
  });
  const pid = Number(/^pid (\d+)$/m.exec(texts["stdout"] ?? "")?.[1]);
  if (!Number.isNaN(pid)) left.push(pid);
  return { outcome, stdout: texts["stdout"] ?? "", header: texts["header"] ?? "", pid };
}

const told = /left a background process/;

describe("a program that leaves a process in the background", () => {
  it.each([0, 3])("ends when it does, with its own exit code %d, and the log says so", async (code) => {
    const { outcome, stdout, header, pid } = await run(`sleep 300 & echo "pid $!"; echo done; exit ${code}`);
    expect(outcome).toMatchObject({ kind: "completed", rc: code });
    expect(outcome).not.toHaveProperty("failureReason");
    expect(stdout).toBe(`pid ${pid}\ndone\n`);
    expect(header).toMatch(told);
    expect(isAlive(pid)).toBe(true);
  });

  it("whose output goes elsewhere is not waited for at all", async () => {
    const { outcome, header, pid } = await run('sleep 300 > /dev/null 2>&1 & echo "pid $!"');
    expect(outcome).toMatchObject({ kind: "completed", rc: 0 });
    expect(header).not.toMatch(told);
    expect(isAlive(pid)).toBe(true);
  });

  it("that ends soon after it is heard to its end", async () => {
    const { stdout, header } = await run("(sleep 0.3; echo late) & echo early");
    expect(stdout).toBe("early\nlate\n");
    expect(header).not.toMatch(told);
  });

  it.runIf(process.env["MULTIMASTER_LONG"])("that writes without an end is not waited for either", async () => {
    const { outcome, header } = await run('(while :; do echo x; sleep 0.1; done) & echo "pid $!"');
    expect(outcome).toMatchObject({ kind: "completed", rc: 0 });
    expect(header).toMatch(told);
  });
});
