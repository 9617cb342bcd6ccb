import { randomBytes, randomUUID } from "node:crypto";
import { mkdirSync, readFileSync, readlinkSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import type {
  CommandInput,
  CommandName,
  CommandRequest,
  CommandUpdate,
  UploadReceiver,
  WorkerLink,
} from "@multimaster/wire";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { isAlive, runProcess } from "../harness/processes.ts";
import { temporaryDirectory } from "../harness/temporary-directory.ts";
import { waitFor } from "../harness/wait-for.ts";
import { runCommand } from "./run-command.ts";

/** A worker that is connected to a master's end. */
export interface ConnectedWorker {
  link(): WorkerLink;
  /** Cuts the connection without a word and resolves with the next one. */
  reconnect(): Promise<WorkerLink>;
  stop(): Promise<void>;
}

export interface WireTraits {
  /** What the worker does with its commands when the connection is lost. Default: they run on, and can be interrupted later. */
  readonly onLoss?: "runs on" | "kills";
  /** The version of its commands' interface; those before 3.3 ignore `max_lines`. */
  readonly commandSet?: "3.2" | "3.3";
}

/**
 * What a master can rely on, whichever program the worker is and however it is connected. Leaves out what workers are
 * free to differ in: wording of headers, how output is cut into updates, the defects of single programs.
 */
export function describeWire(
  title: string,
  connect: () => Promise<ConnectedWorker>,
  { onLoss = "runs on", commandSet = "3.3" }: WireTraits = {},
): void {
  describe(`wire: ${title}`, () => {
    let worker: ConnectedWorker;
    let directory: string;

    beforeAll(async () => {
      directory = temporaryDirectory("wire");
      worker = await connect();
      await worker.link().configure();
    });

    afterAll(() => worker?.stop());

    const run = <N extends CommandName>(name: N, args: CommandInput<N>, consumers?: Partial<CommandRequest<N>>) =>
      runCommand(worker.link(), name, args, consumers);
    const sh = (command: string | string[], args: Partial<CommandInput<"shell">> = {}) =>
      run("shell", { workdir: directory, command, logEnviron: false, ...args });

    describe("attaching", () => {
      it("describes itself and what it can do", async () => {
        const info = await worker.link().getInfo();
        expect(info.basedir).toMatch(/^\//);
        expect(info.system).toBe("posix");
        expect(info.numcpus).toBeGreaterThan(0);
        expect(info.environ["PATH"]).toContain("/");
        for (const name of [
          "shell",
          "upload_file",
          "upload_directory",
          "download_file",
          "mkdir",
          "rmdir",
          "cpdir",
          "stat",
          "glob",
        ]) {
          expect(info.commands[name]).toBe(commandSet);
        }
      });

      it("answers a ping and prints to its log", async () => {
        await worker.link().ping();
        await worker.link().print("attached");
      });
    });

    describe("shell", () => {
      it("sends stdout and stderr apart, and ends an unfinished line", async () => {
        const result = await sh("echo out 1; echo err 1 >&2; echo out 2; printf 'no newline'");
        expect(result.outcome).toMatchObject({ kind: "completed", rc: 0, interrupted: false });
        expect(result.text("stdout")).toBe("out 1\nout 2\nno newline\n");
        expect(result.text("stderr")).toBe("err 1\n");
        expect(result.text("header")).not.toBe("");
        expect((result.outcome as { elapsed?: number }).elapsed).toBeGreaterThan(0);
      });

      it("sends one time per line", async () => {
        const result = await sh("echo a; echo b; echo c");
        const updates = result.updates.filter((update) => update.kind === "stream" && update.name === "stdout");
        const times = updates.flatMap((update) => (update.kind === "stream" ? update.times : []));
        expect(times).toHaveLength(3);
        expect(times).toEqual([...times].sort((a, b) => a - b));
      });

      it("reports the exit code of a command that fails", async () => {
        expect((await sh(["sh", "-c", "exit 42"])).outcome).toMatchObject({ kind: "completed", rc: 42 });
      });

      it("reports a program that is not there as a failure with a reason in stderr", async () => {
        const result = await sh(["/no/such/program"]);
        expect(result.outcome).toMatchObject({ kind: "completed", rc: 1 });
        expect(result.text("stderr")).toContain("/no/such/program");
      });

      it("makes its directory", async () => {
        const workdir = join(directory, "made", "by shell");
        const result = await sh(["pwd"], { workdir });
        expect(result.text("stdout")).toBe(`${workdir}\n`);
      });

      it("passes arguments as they are", async () => {
        const result = await sh(["printf", "%s|", "a b", "$HOME", "'q'", "ü😀", ""]);
        expect(result.text("stdout")).toBe("a b|$HOME|'q'|ü😀||\n");
      });

      it("passes standard input to it, or none", async () => {
        expect((await sh(["cat"], { initial_stdin: "one\ntwo ü\n" })).text("stdout")).toBe("one\ntwo ü\n");
        expect((await sh(["cat"])).text("stdout")).toBe("");
      });

      it("leaves out a stream that is not wanted", async () => {
        const result = await sh("echo out; echo err >&2", { want_stdout: false });
        expect(result.text("stdout")).toBe("");
        expect(result.text("stderr")).toBe("err\n");
      });

      it("changes the environment as asked: set, remove, join, prepend, expand", async () => {
        const result = await sh('echo "$A|${GONE-unset}|$LIST|$PYTHONPATH|$EXPANDED|$B|$PWD"', {
          env: {
            A: "1",
            GONE: null,
            LIST: ["x", "y"],
            PYTHONPATH: "/first",
            // The worker's own variable, not that of the same map.
            EXPANDED: "<${WIRE_OWN}>${A}",
            B: "$A",
          },
        });
        expect(result.text("stdout")).toBe(`1|unset|x:y|/first:|<own>|$A|${directory}\n`);
      });

      it("shows the environment in the header only when asked", async () => {
        const env = { WIRE_SECRET: "s3cret" };
        expect((await sh("true", { env })).text("header")).not.toContain("s3cret");
        expect((await sh("true", { env, logEnviron: true })).text("header")).toContain("WIRE_SECRET=s3cret");
      });

      it("replaces bytes that are no UTF-8", async () => {
        const result = await sh(["printf", "a\\377b\\nh\\303\\251\\n"]);
        expect(result.text("stdout")).toBe("a\ufffdb\nhé\n");
      });

      it("makes lines of carriage returns, backspaces and cleared screens", async () => {
        const result = await sh(["printf", "10%%\\r20%%\\r\\nx\\033[2Jy\\b\\bz\\n"]);
        expect(result.text("stdout")).toBe("10%\n20%\nx\ny\nz\n");
      });

      it("keeps a long line whole", async () => {
        const result = await sh("head -c 300000 /dev/zero | tr '\\0' x; echo; echo end");
        expect(result.text("stdout")).toBe(`${"x".repeat(300_000)}\nend\n`);
      });

      it("delivers five megabytes in order", async () => {
        const result = await sh(["seq", "1", "720000"]);
        const lines = result.text("stdout").split("\n");
        expect(lines).toHaveLength(720_001);
        expect(lines.every((line, index) => line === (index === 720_000 ? "" : String(index + 1)))).toBe(true);
      });

      it("waits for a consumer that is slow", async () => {
        let bytes = 0;
        const result = await run(
          "shell",
          { workdir: directory, command: ["seq", "1", "300000"] },
          {
            async onUpdate(update) {
              await new Promise((resolve) => setTimeout(resolve, 5));
              if (update.kind === "stream" && update.name === "stdout") bytes += update.text.length;
            },
          },
        );
        expect(result.outcome).toMatchObject({ kind: "completed", rc: 0 });
        expect(bytes).toBe(1_988_895);
      });

      it("runs three at a time, each with its own output", async () => {
        const results = await Promise.all([1, 2, 3].map((n) => sh(`for i in 1 2 3; do echo ${n}.$i; sleep 0.1; done`)));
        expect(results.map((result) => result.text("stdout"))).toEqual(
          [1, 2, 3].map((n) => `${n}.1\n${n}.2\n${n}.3\n`),
        );
      });

      it("sends a watched log file", async () => {
        const result = await sh("echo from the log > build.log; echo done", { logfiles: { build: "build.log" } });
        expect(result.text("build")).toBe("from the log\n");
        expect(result.text("stdout")).toBe("done\n");
      });

      it("is an exception when the worker itself fails, such as on a directory that cannot be made", async () => {
        const result = await sh("true", { workdir: "/dev/null/nowhere" });
        expect(result.outcome.kind).toBe("exception");
      });
    });

    describe("ending a command", () => {
      const startSleeper = async (script: string, args: Partial<CommandInput<"shell">> = {}) => {
        const id = randomUUID();
        let output = "";
        const outcome = worker.link().startCommand({
          id,
          name: "shell",
          args: { workdir: directory, command: script, logEnviron: false, ...args },
          onUpdate(update) {
            if (update.kind === "stream" && update.name === "stdout") output += update.text;
          },
        });
        const pid = await waitFor(() => Number(/^(\d+)$/m.exec(output)?.[1]), { what: "the command's output" });
        return { id, outcome, pid };
      };

      it("an interrupt kills the whole process group", async () => {
        const { id, outcome, pid } = await startSleeper("sleep 1000 & echo $!; wait");
        await worker.link().interrupt(id, "the build was stopped");
        expect(await outcome).toMatchObject({ kind: "completed", rc: -1, interrupted: true });
        await waitFor(() => !isAlive(pid) || isZombie(pid), { what: "the child to be killed" });
      });

      it("an interrupt with sigtermTime lets it end by itself", async () => {
        const script = "trap 'exit 7' TERM; echo $$; while :; do sleep 0.05; done";
        const { id, outcome } = await startSleeper(script, { sigtermTime: 20 });
        await worker.link().interrupt(id, "the build was stopped");
        expect(await outcome).toMatchObject({ kind: "completed", rc: 7, interrupted: true });
      });

      it("sigtermTime over, one that does not listen is killed", async () => {
        const script = "trap '' TERM; echo $$; while :; do sleep 0.05; done";
        const { id, outcome, pid } = await startSleeper(script, { sigtermTime: 0.5 });
        await worker.link().interrupt(id, "the build was stopped");
        expect(await outcome).toMatchObject({ kind: "completed", rc: -1, interrupted: true });
        await waitFor(() => !isAlive(pid), { what: "the command to be killed" });
      });

      it("interrupting an unknown id is no error", async () => {
        await worker.link().interrupt(randomUUID(), "it may still run");
      });

      it("no output for longer than timeout", async () => {
        const { outcome } = await startSleeper("echo $$; sleep 1000", { timeout: 1 });
        expect(await outcome).toMatchObject({
          kind: "completed",
          rc: -1,
          failureReason: "timeout_without_output",
          interrupted: false,
        });
      });

      it("running longer than maxTime, output or not", async () => {
        const { outcome } = await startSleeper("while :; do echo $$; sleep 0.1; done", { timeout: 60, maxTime: 1 });
        expect(await outcome).toMatchObject({ kind: "completed", rc: -1, failureReason: "timeout" });
      });

      it.skipIf(commandSet !== "3.3")("more lines than max_lines", async () => {
        const result = await sh("while :; do echo again; sleep 0.01; done", { max_lines: 5 });
        expect(result.outcome).toMatchObject({ kind: "completed", rc: -1, failureReason: "max_lines_failure" });
      });

      it("a consumer that fails ends the command, and the caller gets the error", async () => {
        const outcome = worker.link().startCommand({
          id: randomUUID(),
          name: "shell",
          args: { workdir: directory, command: "while :; do echo again; sleep 0.05; done" },
          onUpdate() {
            throw new Error("the disk is full");
          },
        });
        await expect(outcome).rejects.toThrow("the disk is full");
      });

      it("an unknown command was never run", async () => {
        const result = await run("make_coffee" as "stat", { path: "/" });
        expect(result.outcome).toMatchObject({ kind: "exception", message: expect.stringContaining("make_coffee") });
      });
    });

    describe("files and directories", () => {
      it("makes directories with their parents, and says why it cannot", async () => {
        const paths = [join(directory, "fs/a/b"), join(directory, "fs/c")];
        expect((await run("mkdir", { paths })).outcome).toMatchObject({ kind: "completed", rc: 0 });
        expect((await run("mkdir", { paths })).outcome).toMatchObject({ kind: "completed", rc: 0 });
        expect(statSync(paths[0] as string).isDirectory()).toBe(true);
        const refused = await run("mkdir", { paths: ["/dev/null/x"] });
        expect(refused.outcome).toMatchObject({ kind: "completed", rc: 20 });
        expect(refused.text("header")).toContain("/dev/null/x");
      });

      it("reports what a path is", async () => {
        writeFileSync(join(directory, "seven"), "1234567");
        const { updates, outcome } = await run("stat", { path: join(directory, "seven") });
        expect(outcome).toMatchObject({ kind: "completed", rc: 0 });
        const stat = updates.find((update) => update.kind === "stat")?.stat;
        expect(stat).toHaveLength(10);
        expect((stat?.[0] as number) & 0o170000).toBe(0o100000);
        expect(stat?.[6]).toBe(7);
        expect((await run("stat", { path: join(directory, "missing") })).outcome).toMatchObject({
          kind: "completed",
          rc: 2,
        });
      });

      it("lists a directory with its dot files", async () => {
        mkdirSync(join(directory, "list/sub"), { recursive: true });
        writeFileSync(join(directory, "list/.hidden"), "");
        const { updates } = await run("listdir", { path: join(directory, "list") });
        expect(filesOf(updates)).toEqual([".hidden", "sub"]);
        expect((await run("listdir", { path: join(directory, "missing") })).outcome).toMatchObject({
          kind: "completed",
          rc: 2,
        });
      });

      it("finds paths by pattern", async () => {
        const root = join(directory, "glob");
        mkdirSync(join(root, "x/y"), { recursive: true });
        for (const name of ["a1.txt", "a2.txt", "b1.txt", ".c.txt", "x/d.txt", "x/y/e.txt"])
          writeFileSync(join(root, name), "");
        const find = async (pattern: string) => filesOf((await run("glob", { path: join(root, pattern) })).updates);
        expect(await find("*.txt")).toEqual(["a1.txt", "a2.txt", "b1.txt"].map((name) => join(root, name)));
        expect(await find("a?.txt")).toEqual([join(root, "a1.txt"), join(root, "a2.txt")]);
        expect(await find("[!a]*.txt")).toEqual([join(root, "b1.txt")]);
        expect(await find("x/**/*.txt")).toEqual([join(root, "x/d.txt"), join(root, "x/y/e.txt")]);
        expect(await find("nothing*")).toEqual([]);
      });

      it("copies and removes trees, and removes files", async () => {
        const from = join(directory, "tree");
        const to = join(directory, "copies/of/tree");
        mkdirSync(join(from, "sub"), { recursive: true });
        writeFileSync(join(from, "sub/file"), "content", { mode: 0o755 });
        symlinkSync("sub/file", join(from, "link"));
        expect((await run("cpdir", { from_path: from, to_path: to })).outcome).toMatchObject({
          kind: "completed",
          rc: 0,
        });
        expect(readFileSync(join(to, "link"), "utf8")).toBe("content");
        expect(statSync(join(to, "sub/file")).mode & 0o777).toBe(0o755);
        const missing = await run("cpdir", {
          from_path: join(directory, "missing"),
          to_path: join(directory, "nowhere"),
        });
        expect(missing.outcome).toMatchObject({ kind: "completed", rc: 1 });

        expect((await run("rmfile", { path: join(to, "link") })).outcome).toMatchObject({ kind: "completed", rc: 0 });
        expect((await run("rmfile", { path: join(to, "link") })).outcome).toMatchObject({ kind: "completed", rc: 2 });
        const removed = await run("rmdir", { paths: [from, to, join(directory, "missing")] });
        expect(removed.outcome).toMatchObject({ kind: "completed", rc: 0 });
        expect(statSync(to, { throwIfNoEntry: false })).toBeUndefined();
        expect(statSync(from, { throwIfNoEntry: false })).toBeUndefined();
      });
    });

    describe("transfers", () => {
      it("uploads a file byte by byte", async () => {
        const content = randomBytes(200_001);
        writeFileSync(join(directory, "upload.bin"), content);
        const receiver = collectUpload();
        const args = { path: join(directory, "upload.bin"), blocksize: 16_384, keepstamp: true };
        const { outcome } = await run("upload_file", args, { upload: receiver });
        expect(outcome).toMatchObject({ kind: "completed", rc: 0 });
        expect(receiver.content().equals(content)).toBe(true);
        expect(receiver.events.at(-2)).toBe("close");
        expect(receiver.events.at(-1)).toMatch(/^times \d+/);
      });

      it("uploads an empty file", async () => {
        writeFileSync(join(directory, "empty"), "");
        const receiver = collectUpload();
        const { outcome } = await run("upload_file", { path: join(directory, "empty") }, { upload: receiver });
        expect(outcome).toMatchObject({ kind: "completed", rc: 0 });
        expect(receiver.events).toEqual(["close"]);
      });

      it("says that a file to upload is missing", async () => {
        const receiver = collectUpload();
        const { outcome, text } = await run("upload_file", { path: join(directory, "missing") }, { upload: receiver });
        expect(outcome).toMatchObject({ kind: "completed", rc: 1 });
        expect(text("stderr")).toContain("Cannot open file");
        expect(receiver.events).toEqual(["close"]);
      });

      it("cuts a file at maxsize and fails", async () => {
        writeFileSync(join(directory, "large"), "x".repeat(100_000));
        const receiver = collectUpload();
        const args = { path: join(directory, "large"), maxsize: 50_000, blocksize: 16_384 };
        const { outcome, text } = await run("upload_file", args, { upload: receiver });
        expect(outcome).toMatchObject({ kind: "completed", rc: 1 });
        expect(text("stderr")).toContain("Maximum filesize reached");
        expect(receiver.content()).toHaveLength(50_000);
      });

      it("is an exception when the master refuses a block", async () => {
        writeFileSync(join(directory, "refused"), "x");
        const upload: UploadReceiver = {
          write: () => Promise.reject(new Error("no space")),
        };
        await expect(run("upload_file", { path: join(directory, "refused") }, { upload })).rejects.toThrow("no space");
      });

      it.each([null, "gz" as const])("uploads a directory as a tar archive (compress: %s)", async (compress) => {
        const root = join(directory, `tree-${compress}`);
        mkdirSync(join(root, "sub"), { recursive: true });
        const content = randomBytes(70_000);
        writeFileSync(join(root, "sub/data"), content, { mode: 0o755 });
        writeFileSync(join(root, "empty"), "");
        symlinkSync("sub/data", join(root, "link"));
        // The system asks for no UTF-8.
        const latin1 = [Buffer.from("caf\xe9", "latin1"), Buffer.from("to caf\xe9", "latin1")] as const;
        const inside = (place: string, name: Buffer) => Buffer.concat([Buffer.from(`${place}/`), name]);
        writeFileSync(inside(root, latin1[0]), "é");
        symlinkSync(latin1[0], inside(root, latin1[1]));
        const receiver = collectUpload();
        const { outcome } = await run("upload_directory", { path: root, compress }, { upload: receiver });
        expect(outcome).toMatchObject({ kind: "completed", rc: 0 });
        expect(receiver.events.at(-1)).toBe("unpack");
        const unpacked = temporaryDirectory("unpacked");
        const archive = join(unpacked, "archive.tar");
        writeFileSync(archive, compress === "gz" ? gunzipSync(receiver.content()) : receiver.content());
        await runProcess({ name: "tar", command: "tar", args: ["-xf", archive, "-C", unpacked] });
        expect(readFileSync(join(unpacked, "sub/data")).equals(content)).toBe(true);
        expect(statSync(join(unpacked, "sub/data")).mode & 0o777).toBe(0o755);
        expect(readFileSync(join(unpacked, "empty"))).toHaveLength(0);
        expect(readlinkSync(join(unpacked, "link"))).toBe("sub/data");
        expect(readFileSync(inside(unpacked, latin1[1]), "utf8")).toBe("é");
      });

      it("says that a directory to upload is missing", async () => {
        const receiver = collectUpload();
        const { outcome } = await run("upload_directory", { path: join(directory, "missing") }, { upload: receiver });
        expect(outcome).toMatchObject({ kind: "completed", rc: 1 });
        expect(receiver.events).toEqual([]);
      });

      it("downloads a file byte by byte, with its mode, into a directory that is made", async () => {
        const content = randomBytes(200_001);
        const path = join(directory, "down/load.bin");
        const { outcome, closed } = await download(path, content, { mode: 0o640, blocksize: 16_384 });
        expect(outcome).toMatchObject({ kind: "completed", rc: 0 });
        expect(closed).toBe(true);
        expect(readFileSync(path).equals(content)).toBe(true);
        expect(statSync(path).mode & 0o777).toBe(0o640);
      });

      it("downloads an empty file, and fails above maxsize or where it cannot write", async () => {
        const path = join(directory, "down/empty");
        expect((await download(path, Buffer.alloc(0))).outcome).toMatchObject({ kind: "completed", rc: 0 });
        expect(readFileSync(path)).toHaveLength(0);
        expect((await download(path, Buffer.alloc(50_000), { maxsize: 1000 })).outcome).toMatchObject({
          kind: "completed",
          rc: 1,
        });
        expect((await download(directory, Buffer.alloc(1))).outcome).toMatchObject({ kind: "completed", rc: 1 });
      });

      async function download(path: string, content: Buffer, args: Partial<CommandInput<"download_file">> = {}) {
        let at = 0;
        let closed = false;
        const { outcome } = await run(
          "download_file",
          { path, ...args },
          {
            download: {
              read: async (length) => content.subarray(at, (at += length)),
              close: async () => {
                closed = true;
              },
            },
          },
        );
        return { outcome, closed };
      }
    });

    describe("a connection that is lost", () => {
      it.runIf(onLoss === "kills")("ends the command with it; the next connection works immediately", async () => {
        const { outcome, pid } = await startTicker();
        const after = await worker.reconnect();
        expect(await outcome).toEqual({ kind: "lost" });
        expect(after.commandsOutliveConnection).toBe(false);
        await waitFor(() => !isAlive(pid), { what: "the command to be killed" });
        await after.configure();
        expect((await sh("echo back")).text("stdout")).toBe("back\n");
      });

      it.runIf(onLoss === "runs on")(
        "loses the command but does not end it; the next connection can interrupt it by its id",
        async () => {
          const { id, outcome, pid } = await startTicker();
          const after = await worker.reconnect();
          expect(await outcome).toEqual({ kind: "lost" });
          expect(after.commandsOutliveConnection).toBe(true);
          expect(isAlive(pid)).toBe(true);

          await after.configure();
          expect((await sh("echo back")).text("stdout")).toBe("back\n");
          await after.interrupt(id, "its master is gone");
          await waitFor(() => !isAlive(pid), { what: "the orphan to be killed" });
          expect((await sh("echo still here")).text("stdout")).toBe("still here\n");
        },
      );

      async function startTicker() {
        const before = worker.link();
        const id = randomUUID();
        let output = "";
        const outcome = before.startCommand({
          id,
          name: "shell",
          args: { workdir: directory, command: "echo $$; while :; do echo again; sleep 0.1; done" },
          onUpdate(update) {
            if (update.kind === "stream" && update.name === "stdout") output += update.text;
          },
        });
        const pid = await waitFor(() => Number(/^(\d+)$/m.exec(output)?.[1]), { what: "the command's output" });
        return { id, outcome, pid };
      }
    });
  });
}

function collectUpload(): UploadReceiver & { events: string[]; content(): Buffer } {
  const blocks: Uint8Array[] = [];
  const events: string[] = [];
  return {
    events,
    content: () => Buffer.concat(blocks),
    async write(block) {
      blocks.push(Uint8Array.from(block));
    },
    async close() {
      events.push("close");
    },
    async setTimes(accessed, modified) {
      events.push(`times ${accessed} ${modified}`);
    },
    async unpack() {
      events.push("unpack");
    },
  };
}

function filesOf(updates: readonly CommandUpdate[]): string[] {
  return updates.flatMap((update) => (update.kind === "files" ? update.files : [])).sort();
}

/** Killed, but its parent has not looked yet: in a container no one may ever. */
function isZombie(pid: number): boolean {
  try {
    return / Z /.test(readFileSync(`/proc/${pid}/stat`, "utf8").replace(/\(.*\)/, ""));
  } catch {
    return true;
  }
}
