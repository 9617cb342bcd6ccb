import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import type { CommandInput, CommandName, CommandRequest, WorkerLink } from "@multimaster/wire";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runCommand } from "../contract/run-command.ts";
import { startBuildbotWorker, type TestBuildbotWorker } from "../harness/buildbot-worker.ts";
import { isLong } from "../harness/long-form.ts";
import { isAlive } from "../harness/processes.ts";
import { temporaryDirectory } from "../harness/temporary-directory.ts";
import { waitFor } from "../harness/wait-for.ts";
import { setUpOnDemand } from "../setup.mjs";
import { openWorkerPort, type WorkerPort } from "./worker-port.ts";

/** The long form tries more releases; MULTIMASTER_WORKERS names the directories of further installations, such as those of an older Python. */
const releases = isLong ? ["3.11.9", "3.4.1", "2.10.5", "1.8.2", "0.9.14"] : ["2.10.5"];
const installations = (process.env["MULTIMASTER_WORKERS"] ?? "").split(",").filter((directory) => directory !== "");
const all = [
  ...releases.map((release) => ({
    title: release,
    installation: () => setUpOnDemand(`buildbot-worker-${release}`, () => undefined),
  })),
  ...installations.map((directory) => ({ title: basename(directory), installation: () => directory })),
];

describe.each(all)("buildbot-worker $title with pb", ({ title, installation }) => {
  /** The code of these workers fails at characters beyond ASCII in some places, whatever it is sent. */
  const isHalfAscii = /-py2$/.test(title) && !title.includes("0.8.");
  let port: WorkerPort;
  let worker: TestBuildbotWorker;
  let link: WorkerLink;
  let directory: string;

  beforeAll(async () => {
    directory = temporaryDirectory("release");
    port = await openWorkerPort("old", "pass:word");
    const options = { port: port.port, name: "old", password: "pass:word", protocol: "pb" as const };
    worker = await startBuildbotWorker({ ...options, installation: installation(), env: { LC_ALL: "C.UTF-8" } });
    link = await port.waitForWorker();
    await link.configure({ directories: ["kept", "a/b"] });
    // The first run installs the release.
  }, 600_000);

  afterAll(async () => {
    await worker?.stop();
    await port?.stop();
  });

  const run = <N extends CommandName>(name: N, args: CommandInput<N>, consumers?: Partial<CommandRequest<N>>) =>
    runCommand(link, name, args, consumers);
  const sh = (command: string | string[], args: Partial<CommandInput<"shell">> = {}) =>
    run("shell", { workdir: directory, command, logEnviron: false, ...args });

  it("describes itself", async () => {
    const info = await link.getInfo();
    expect(info).toMatchObject({ system: "posix", basedir: worker.basedir });
    expect(info.environ["PATH"]).toContain("/");
    expect(info.commands["shell"]).toMatch(/^[23]\.\d+$/);
    expect(info.commands["upload_file"]).toBe(info.commands["shell"]);
    await link.ping();
    await link.print("attached");
  });

  it("runs a command: output apart, whole lines, the exit code", async () => {
    const result = await sh("echo out ü; echo err >&2; printf 'a\\rb\\r\\nno newline'; exit 3");
    expect(result.outcome).toMatchObject({ kind: "completed", rc: 3, interrupted: false });
    expect(result.text("stdout")).toBe("out ü\na\nb\nno newline\n");
    expect(result.text("stderr")).toBe("err\n");
  });

  it("takes characters beyond ASCII in commands, arguments, input and variables", async () => {
    const text = await sh('echo "äöü €"; cat', { initial_stdin: "für 日本\n" });
    expect(text.outcome).toMatchObject({ kind: "completed", rc: 0 });
    expect(text.text("stdout")).toBe("äöü €\nfür 日本\n");
    const list = await sh(["printf", "%s|%s\n", "größer als", "日本"]);
    expect(list.outcome).toMatchObject({ kind: "completed", rc: 0 });
    expect(list.text("stdout")).toBe("größer als|日本\n");
    await link.print("schöne Grüße");

    const variable = await sh('echo "$PLAIN"', { logEnviron: true, env: { PLAIN: "grün" } });
    if (isHalfAscii)
      return expect(variable.outcome).toEqual({ kind: "exception", message: onPython2("variable: PLAIN") });
    expect(variable.text("stdout")).toBe("grün\n");
    expect(variable.text("header")).toMatch(/PLAIN=grün/);
  });

  it("takes names of files beyond ASCII", async () => {
    const workdir = join(directory, "bücher");
    expect((await run("mkdir", { paths: [workdir] })).outcome).toMatchObject({ kind: "completed", rc: 0 });
    const path = join(workdir, "süß");
    writeFileSync(path, "inhalt");
    const glob = await run("glob", { path: join(workdir, "s*ß") });
    expect(glob.updates.flatMap((update) => (update.kind === "files" ? update.files : []))).toEqual([path]);
    const there = await sh("pwd", { workdir });
    if (isHalfAscii) expect(there.outcome).toEqual({ kind: "exception", message: onPython2("such a name: /") });
    else expect(there.text("stdout")).toBe(`${workdir}\n`);

    let content = "";
    const upload = { write: async (block: Uint8Array) => void (content += Buffer.from(block).toString()) };
    const up = await run("upload_file", { path }, { upload });
    expect(up.outcome.kind).toBe(isHalfAscii ? "exception" : "completed");
    expect(content).toBe(isHalfAscii ? "" : "inhalt");
    expect((await run("rmdir", { paths: [workdir] })).outcome).toMatchObject({ kind: "completed", rc: 0 });
  });

  it("runs several at a time, each in a slot of its own", async () => {
    const results = await Promise.all(
      [1, 2, 3, 4, 5].map((n) => sh(`for i in 1 2 3; do echo ${n}.$i; sleep 0.1; done`)),
    );
    expect(results.map((result) => result.text("stdout"))).toEqual(
      [1, 2, 3, 4, 5].map((n) => `${n}.1\n${n}.2\n${n}.3\n`),
    );
  });

  it("interrupts the one that is meant", async () => {
    const long = link.startCommand({ id: "long", name: "shell", args: { workdir: directory, command: "sleep 1000" } });
    const other = sh("sleep 1; echo done");
    await new Promise((resolve) => setTimeout(resolve, 300));
    await link.interrupt("long", "the build was stopped");
    expect(await long).toMatchObject({ kind: "completed", rc: -1, interrupted: true });
    expect((await other).text("stdout")).toBe("done\n");
  });

  it("makes, describes, lists, copies and removes", async () => {
    const paths = [join(directory, "fs/a"), join(directory, "fs/b")];
    expect((await run("mkdir", { paths })).outcome).toMatchObject({ kind: "completed", rc: 0 });
    writeFileSync(join(directory, "fs/a/file"), "1234567");
    const stat = await run("stat", { path: join(directory, "fs/a/file") });
    expect(stat.updates.find((update) => update.kind === "stat")?.stat[6]).toBe(7);
    const list = await run("listdir", { path: join(directory, "fs") });
    expect(list.updates.flatMap((update) => (update.kind === "files" ? update.files : [])).toSorted()).toEqual([
      "a",
      "b",
    ]);
    const glob = await run("glob", { path: join(directory, "fs/a/*") });
    expect(glob.updates.flatMap((update) => (update.kind === "files" ? update.files : []))).toEqual([
      join(directory, "fs/a/file"),
    ]);
    const copied = await run("cpdir", { from_path: join(directory, "fs/a"), to_path: join(directory, "fs/c") });
    expect(copied.outcome).toMatchObject({ kind: "completed", rc: 0 });
    expect((await run("rmfile", { path: join(directory, "fs/c/file") })).outcome).toMatchObject({
      kind: "completed",
      rc: 0,
    });
    expect((await run("rmdir", { paths: [...paths, join(directory, "fs/c")] })).outcome).toMatchObject({
      kind: "completed",
      rc: 0,
    });
    expect(statSync(join(directory, "fs/c"), { throwIfNoEntry: false })).toBeUndefined();
  });

  it("uploads and downloads files and trees", async () => {
    const content = randomBytes(150_001);
    writeFileSync(join(directory, "up"), content);
    const blocks: Uint8Array[] = [];
    const upload = { write: async (block: Uint8Array) => void blocks.push(Uint8Array.from(block)) };
    const up = await run("upload_file", { path: join(directory, "up") }, { upload });
    expect(up.outcome).toMatchObject({ kind: "completed", rc: 0 });
    expect(Buffer.concat(blocks).equals(content)).toBe(true);

    let at = 0;
    const download = { read: async (length: number) => content.subarray(at, (at += length)) };
    const down = await run("download_file", { path: join(directory, "down"), mode: 0o640 }, { download });
    expect(down.outcome).toMatchObject({ kind: "completed", rc: 0 });
    expect(readFileSync(join(directory, "down")).equals(content)).toBe(true);

    mkdirSync(join(directory, "tree/sub"), { recursive: true });
    writeFileSync(join(directory, "tree/sub/data"), content);
    blocks.length = 0;
    let unpacked = 0;
    const tree = { ...upload, unpack: async () => void (unpacked += 1) };
    const dir = await run("upload_directory", { path: join(directory, "tree") }, { upload: tree });
    expect(dir.outcome).toMatchObject({ kind: "completed", rc: 0 });
    expect(unpacked).toBe(1);
    expect(Buffer.concat(blocks).includes(content.subarray(0, 1000))).toBe(true);
  });

  it("takes a refused block and a command too long to send as failures of the command alone", async () => {
    writeFileSync(join(directory, "refused"), "x".repeat(200_000));
    const upload = { write: () => Promise.reject(new Error("no space")) };
    await expect(run("upload_file", { path: join(directory, "refused") }, { upload })).rejects.toThrow("no space");
    expect((await sh(["echo", "x".repeat(700_000)])).outcome).toMatchObject({
      kind: "exception",
      message: expect.stringContaining("command[1] is 700000 bytes long"),
    });
    expect((await run("make_coffee" as "stat", { path: "/" })).outcome).toMatchObject({
      kind: "exception",
      message: expect.stringContaining("make_coffee"),
    });
    expect((await sh("echo still here")).text("stdout")).toBe("still here\n");
  });

  it("kills its commands when the connection is lost, and comes back by itself", async () => {
    let output = "";
    const outcome = link.startCommand({
      id: "lost",
      name: "shell",
      args: { workdir: directory, command: "echo $$ > pid; while :; do echo again; sleep 0.1; done" },
      onUpdate: (update) => void (output += update.kind === "stream" ? update.text : ""),
    });
    const pid = await waitFor(() => Number(readIfThere(join(directory, "pid"))), { what: "the command's number" });
    const before = link;
    before.terminate();
    expect(await outcome).toEqual({ kind: "lost" });
    await waitFor(() => !isAlive(pid), { what: "the command to be killed" });
    link = await port.waitForWorker(before);
    await link.configure();
    expect((await sh("echo back")).text("stdout")).toBe("back\n");
  });
});

function onPython2(end: string): unknown {
  return expect.stringMatching(new RegExp(`^the worker runs on Python 2, .*${end}`));
}

function readIfThere(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
