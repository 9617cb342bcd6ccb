import { existsSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLog } from "@multimaster/core";
import { type CommandOutcome, createTransportPair, MsgpackWorkerLink, resumeCapability } from "@multimaster/wire";
import { afterEach, describe, expect, it } from "vitest";
import { waitFor } from "../../../test/harness/wait-for.ts";
import { CommandHost } from "./command-host.ts";
import type { KeepLimits } from "./command-reports.ts";

const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

const usual: KeepLimits = { characters: 100_000, ms: 60_000 };

/** A worker, and masters that connect to it one after the other. */
function startWorker(keep: KeepLimits | "none" = usual) {
  const basedir = mkdtempSync(join(tmpdir(), "kept-"));
  const environment = { PATH: process.env["PATH"] ?? "" };
  const onShutdown = () => undefined;
  const host = new CommandHost({
    name: "w",
    basedir,
    log: silentLog,
    environment,
    onShutdown,
    ...(keep !== "none" && { keep }),
  });
  ends.push(() => host.stop());
  const args = (command: string) => ({ command, workdir: join(basedir, "build"), env: {} });
  return {
    file: (name: string) => join(basedir, name),
    connect() {
      const [masterEnd, workerEnd] = createTransportPair();
      host.serve(workerEnd);
      const link = new MsgpackWorkerLink(masterEnd, { name: "w", log: silentLog });
      const seen: string[] = [];
      const request = (id: string, command: string) => ({
        id,
        name: "shell" as const,
        args: args(command),
        onUpdate(update: { kind: string; name?: string; text?: string }) {
          if (update.kind === "stream" && update.name === "stdout") seen.push(update.text ?? "");
        },
      });
      return {
        link,
        text: () => seen.join(""),
        start: (id: string, command: string) => link.startCommand({ ...request(id, command), keep: true }),
        resume: (id: string, command: string) => link.resumeCommand(request(id, command)),
      };
    },
  };
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

const succeeded: Partial<CommandOutcome> = { kind: "completed", rc: 0, interrupted: false };

describe("a command that outlives its connection", () => {
  it("runs once, and the master that resumes it gets all of its output", async () => {
    const { connect, file } = startWorker();
    const command = `echo x >> ${file("runs")}; echo one; until [ -e ${file("gate")} ]; do sleep 0.05; done; echo two`;
    const first = connect();
    const lost = first.start("1", command);
    await waitFor(() => first.text() === "one\n", { what: "its output" });
    first.link.terminate();
    expect(await lost).toEqual({ kind: "lost" });

    const second = connect();
    expect((await second.link.getInfo()).commands[resumeCapability]).toBe("1");
    expect(await second.link.keptCommands()).toEqual([{ id: "1", running: true }]);
    const end = second.resume("1", command);
    await waitFor(() => second.text() === "one\n", { what: "what came before" });
    writeFileSync(file("gate"), "");
    expect(await end).toMatchObject(succeeded);
    expect(second.text()).toBe("one\ntwo\n");
    expect(readFileSync(file("runs"), "utf8")).toBe("x\n");
  });

  it("is kept after its end, for a master that comes later", async () => {
    const { connect } = startWorker();
    const first = connect();
    const end = first.start("1", "echo all; exit 3");
    expect(await end).toMatchObject({ rc: 3 });
    first.link.terminate();
    const second = connect();
    expect(await second.link.keptCommands()).toEqual([{ id: "1", running: false }]);
    expect(await second.resume("1", "echo all; exit 3")).toMatchObject({ kind: "completed", rc: 3 });
    expect(second.text()).toBe("all\n");
  });

  it("is not given to a master that would run something else", async () => {
    const { connect } = startWorker();
    const first = connect();
    void first.start("1", "sleep 60");
    await waitFor(async () => (await first.link.keptCommands()).length === 1, { what: "its start" });
    first.link.terminate();
    const second = connect();
    expect(await second.resume("1", "sleep 61")).toMatchObject({ kind: "not-resumed" });
    expect(await second.resume("2", "sleep 60")).toMatchObject({ kind: "not-resumed" });
  });

  it("is not kept once a master has interrupted it, so that no one takes its end for the program's", async () => {
    const { connect } = startWorker();
    const first = connect();
    const end = first.start("1", "sleep 60");
    await waitFor(async () => (await first.link.keptCommands()).length === 1, { what: "its start" });
    expect(await first.link.stillRunning(["1", "2"])).toEqual(["1"]);
    await first.link.interrupt("1", "why not");
    expect(await end).toMatchObject({ kind: "completed", interrupted: true });
    expect(await first.link.keptCommands()).toEqual([]);
    expect(await first.link.stillRunning(["1", "2"])).toEqual([]);
  });

  it("is not kept if it writes more than is kept, and runs on", async () => {
    const { connect } = startWorker({ characters: 1000, ms: 60_000 });
    const first = connect();
    const end = first.start("1", "seq 10000; echo done");
    expect(await end).toMatchObject(succeeded);
    expect(first.text().endsWith("done\n")).toBe(true);
    expect(await first.link.keptCommands()).toEqual([]);
  });

  it("ends when no master has resumed it for too long", async () => {
    const { connect, file } = startWorker({ characters: 1000, ms: 100 });
    const first = connect();
    void first.start("1", `echo $$ > ${file("pid")}; exec sleep 60`);
    const pid = () => Number(readFileSync(file("pid"), "utf8"));
    await waitFor(() => existsSync(file("pid")) && pid() > 0, { what: "its start" });
    first.link.terminate();
    await waitFor(() => !isRunning(pid()), { what: "its end" });
    expect(await connect().resume("1", "sleep 60")).toMatchObject({ kind: "not-resumed" });
  });

  it("is kept only by a worker that outlives its master", async () => {
    const { connect } = startWorker("none");
    const { link } = connect();
    expect((await link.getInfo()).commands[resumeCapability]).toBeUndefined();
  });
});
