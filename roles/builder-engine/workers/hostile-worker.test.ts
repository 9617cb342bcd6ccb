import { silentLog, systemClock } from "@multimaster/core";
import type { CommandEnd, CommandOptions } from "@multimaster/plugins";
import { createWorkerListener, decodeFrame, encodeFrame, formatBasicAuth, type WorkerLink } from "@multimaster/wire";
import { describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { onCleanup } from "../../../test/harness/cleanup.ts";
import { waitFor } from "../../../test/harness/wait-for.ts";
import { Persistence } from "../builds/persistence.ts";
import { Secrets } from "../logs/secrets.ts";
import { StepLogs } from "../logs/step-logs.ts";
import { StepCommands } from "../steps/step-commands.ts";
import { AttachedWorker } from "./attached-worker.ts";
import { CommandLedger } from "./command-ledger.ts";

/** The far end of a real connection, of which a test decides every byte. */
class ScriptedWorker {
  readonly socket: WebSocket;
  /** Answers of the master to what this worker asked, by number. */
  readonly answers = new Map<number, { is_exception?: boolean; result: unknown }>();
  readonly interrupted: string[] = [];
  info: Record<string, unknown> = { basedir: "/w", system: "posix", version: "1", environ: {}, worker_commands: {} };
  onCommand: (id: string, name: string) => void = () => undefined;
  #number = 0;

  constructor(port: number, name: string) {
    const headers = { Authorization: formatBasicAuth(name, "pass") };
    this.socket = new WebSocket(`ws://127.0.0.1:${port}`, { headers, perMessageDeflate: false });
    this.socket.on("error", () => undefined);
    this.socket.on("message", (data: Buffer) => this.#hear(decodeFrame(data)));
  }

  ask(op: string, fields: Record<string, unknown>): number {
    const number = this.#number++;
    this.raw(encodeFrame({ op, seq_number: number, ...fields }));
    return number;
  }

  update(id: string, ...args: unknown[]): number {
    return this.ask("update", { command_id: id, args });
  }

  complete(id: string, failure: string | null = null): number {
    return this.ask("complete", { command_id: id, args: failure });
  }

  raw(bytes: Uint8Array): void {
    this.socket.send(bytes);
  }

  #hear(message: Record<string, unknown>): void {
    const { op, seq_number: number } = message;
    if (op === "response") {
      this.answers.set(number as number, message as unknown as { result: unknown });
      return;
    }
    const result = op === "get_worker_info" ? this.info : null;
    this.raw(encodeFrame({ op: "response", seq_number: number, result }));
    if (op === "start_command") this.onCommand(String(message["command_id"]), String(message["command_name"]));
    if (op === "interrupt_command") this.interrupted.push(String(message["command_id"]));
  }
}

async function openPort(deadMs = 60_000) {
  const links = new Map<string, WorkerLink>();
  const listener = createWorkerListener({
    host: "127.0.0.1",
    port: 0,
    log: silentLog,
    isReady: () => true,
    authenticate: () => true,
    onWorker: (link) => void links.set(link.name, link),
    deadMs,
    pingMs: 200,
  });
  await listener.start();
  onCleanup(() => listener.stop());
  async function connect(name: string) {
    const worker = new ScriptedWorker(listener.address().port, name);
    const link = await waitFor(() => links.get(name), { what: `${name} to connect` });
    return { worker, link };
  }
  return { connect };
}

/** A step's commands and logs as an engine has them, on this worker; what is stored is only counted. */
async function makeStep(link: WorkerLink) {
  const stored = new Map<string, { bytes: number; text: string }>();
  const names: string[] = [];
  const persistence = new Persistence({ clock: systemClock, log: silentLog, isPassing: () => false, onLeaseLost() {} });
  const ledger = new CommandLedger(
    {
      record: async () => undefined,
      forget: async () => undefined,
      forgetLost: async () => undefined,
      ofWorker: async () => [],
    },
    persistence,
    systemClock,
  );
  const logs = new StepLogs({
    stepid: 1,
    persistence,
    clock: systemClock,
    secrets: new Secrets({ token: "-s3cr3t" }),
    limits: { maxSize: 100_000, maxTailSize: 10_000, maxLogs: 5 },
    updates: {
      async add({ name }, text = "") {
        names.push(name);
        stored.set(name, { bytes: Buffer.byteLength(text), text });
        return { logid: names.length, slug: name };
      },
      async append(logid, firstLine, text) {
        const log = stored.get(names[logid - 1] as string) as { bytes: number; text: string };
        log.bytes += Buffer.byteLength(text);
        log.text += text;
        return firstLine;
      },
      finish: async () => undefined,
      compress: () => undefined,
    },
  });
  const config = { name: link.name, password: "pass", local: false, maxBuilds: 1, properties: {} };
  const worker = new AttachedWorker(1, config, link, await link.getInfo());
  const idle = async () => undefined;
  const around = { worker, ledger, logs, clock: systemClock, buildid: 1, stepid: 1, onWait: idle, onReturn: idle };
  const commands = new StepCommands(around);
  return {
    stored,
    async run(name: string, args: Record<string, unknown>, options?: CommandOptions): Promise<CommandEnd | Error> {
      const end = await commands.run(name, args, options).catch((error: Error) => error);
      await logs.finish();
      return end;
    },
  };
}

const shell = { workdir: "/w", command: "x", logfiles: { known: "k.log" } };
const lines = (text: unknown) => [text, [], []];
/** The long form sends a million tiny updates. */
const many = process.env["MULTIMASTER_LONG"] ? 200 : 4;
const oneMebibyte = 1024 * 1024;

interface Attack {
  name: string;
  command?: string;
  args?: Record<string, unknown>;
  options?: CommandOptions;
  /** After how long of silence, or of taking nothing, its connection is cut. */
  deadMs?: number;
  attack(worker: ScriptedWorker, id: string): void | Promise<void>;
  /** What became of the command. */
  check(result: {
    end: CommandEnd | Error;
    worker: ScriptedWorker;
    stored: ReadonlyMap<string, { bytes: number; text: string }>;
  }): void;
}

const succeeded = { rc: 0 };
const finish = (worker: ScriptedWorker, id: string) => {
  worker.update(id, ["rc", 0]);
  worker.complete(id);
};
const received: number[] = [];

const attacks: Attack[] = [
  {
    name: "output without an end",
    attack(worker, id) {
      // More than 200 MB at once is too much for the socket of the worker itself.
      for (let n = 0; n < Math.min(many * 50, 2000); n += 1)
        worker.update(id, ["stdout", lines(`${"x".repeat(99)}\n`.repeat(1000))]);
      finish(worker, id);
    },
    check({ end, stored }) {
      expect(end).toMatchObject(succeeded);
      expect(stored.get("stdio")?.bytes).toBeGreaterThan(100_000);
      expect(stored.get("stdio")?.bytes).toBeLessThan(111_000);
    },
  },
  {
    name: "one update of line breaks only, after what may begin a secret",
    options: { onLine: () => undefined },
    attack(worker, id) {
      worker.update(id, ["stdout", lines(`-${"\n".repeat(Math.min(many, 60) * oneMebibyte)}`)]);
      finish(worker, id);
    },
    check({ end, stored }) {
      expect(end).toMatchObject(succeeded);
      expect(stored.get("stdio")?.bytes).toBeLessThan(111_000);
    },
  },
  {
    name: "one line of 20 MiB, for a step that reads lines and keeps output",
    options: { capture: true, onLine: (line) => received.push(line.length) },
    attack(worker, id) {
      worker.update(id, ["stdout", lines("y".repeat(20 * oneMebibyte))]);
      finish(worker, id);
    },
    check({ end }) {
      expect((end as CommandEnd).stdout).toHaveLength(16 * oneMebibyte);
      expect(Math.max(...received)).toBe(4096);
    },
  },
  {
    name: "very many tiny updates without reading an answer",
    attack(worker, id) {
      worker.socket.pause();
      for (let n = 0; n < many * 5000; n += 1) worker.update(id, ["elapsed", n]);
      finish(worker, id);
    },
    // A million of them take longer than a peer may leave its answers unread: the connection is cut.
    check: ({ end }) => expect(end).toMatchObject(many > 4 ? { name: "WorkerLost" } : succeeded),
  },
  {
    name: "questions with huge answers that are never read",
    deadMs: 3000,
    attack(worker, id) {
      received.length = 0;
      worker.socket.pause();
      const block = encodeFrame({ op: "update_read_file", seq_number: 1, command_id: id, length: 2 ** 31 });
      for (let n = 0; n < 50; n += 1) worker.raw(block);
    },
    command: "download_file",
    args: { path: "/w/f" },
    options: {
      download: {
        async read(length) {
          received.push(length);
          return new Uint8Array(length);
        },
      },
    },
    // It is not heard while it takes nothing, and cut after a while.
    check({ end }) {
      expect(end).toBeInstanceOf(Error);
      expect(Math.max(...received)).toBe(4 * oneMebibyte);
      expect(received.length).toBeLessThan(20);
    },
  },
  {
    name: "frames that nest without end",
    attack: (worker) => worker.raw(new Uint8Array(oneMebibyte).fill(0x91)),
    check: ({ end }) => expect((end as Error).message).toMatch(/connection to worker bad ended/),
  },
  {
    name: "a frame of millions of empty maps",
    attack(worker) {
      worker.raw(Buffer.concat([Buffer.from([0x81, 0xa1, 0x61, 0xdd, 0, 0x20, 0, 0]), Buffer.alloc(0x20_0000, 0x80)]));
    },
    check: ({ end }) => expect((end as Error).message).toMatch(/connection to worker bad ended/),
  },
  {
    name: "text instead of frames",
    attack: (worker) => worker.socket.send("hello"),
    check: ({ end }) => expect((end as Error).message).toMatch(/connection to worker bad ended/),
  },
  {
    name: "log files that no one asked for, with names of any length",
    attack(worker, id) {
      for (const name of ["unknown", "n".repeat(oneMebibyte), "stdio", "known"])
        worker.update(id, ["log", [name, lines(`${name.slice(0, 9)}\n`)]]);
      finish(worker, id);
    },
    check({ end, stored }) {
      // The name of a mebibyte is no name: that update cannot be read.
      expect(end).toBeInstanceOf(Error);
      expect([...stored.keys()]).toEqual(["known"]);
    },
  },
  {
    name: "commands that are not its own, or not there",
    attack(worker, id) {
      for (const other of ["honest", "none", "", 7, -1, "i".repeat(oneMebibyte)]) {
        worker.ask("update", {
          command_id: other,
          args: [
            ["rc", 9],
            ["stdout", lines("forged\n")],
          ],
        });
        worker.ask("complete", { command_id: other, args: null });
      }
      finish(worker, id);
    },
    check({ end, worker, stored }) {
      expect(end).toMatchObject(succeeded);
      expect(stored.size).toBe(0);
      for (const [number, answer] of worker.answers) {
        if (number < 12) expect(answer.is_exception).toBe(true);
        expect(String(answer.result).length).toBeLessThan(2500);
      }
    },
  },
  ...[-1, -(2 ** 31), 2 ** 32, 2 ** 64, 1e308, -1e308, 1.5, 3_221_225_477].map((rc) => ({
    name: `the return code ${rc}`,
    attack(worker: ScriptedWorker, id: string) {
      worker.update(id, ["rc", rc]);
      worker.complete(id);
    },
    check: ({ end }: { end: CommandEnd | Error }) => expect(end).toMatchObject({ rc }),
  })),
  ...[Number.NaN, Number.POSITIVE_INFINITY, "0", null, [0], true].map((rc) => ({
    name: `the return code ${JSON.stringify(rc)}, after a good one`,
    attack(worker: ScriptedWorker, id: string) {
      worker.update(id, ["rc", 0]);
      worker.update(id, ["rc", rc]);
      worker.complete(id);
    },
    check: ({ end }: { end: CommandEnd | Error }) => expect((end as Error).message).toMatch(/update "rc"/),
  })),
  {
    name: "a larger file than allowed",
    command: "upload_file",
    args: { path: "/w/f", maxsize: 100_000 },
    options: { upload: { write: async (block) => void received.push(block.length) } },
    attack(worker, id) {
      received.length = 0;
      for (let n = 0; n < 200; n += 1)
        worker.ask("update_upload_file_write", { command_id: id, args: new Uint8Array(65_536) });
      worker.ask("update_upload_file_close", { command_id: id });
      finish(worker, id);
    },
    check({ end, worker }) {
      expect((end as Error).message).toMatch(/more than maxsize allows/);
      expect(received.reduce((sum, bytes) => sum + bytes, 0)).toBe(65_536);
      expect(worker.interrupted).toHaveLength(1);
    },
  },
  {
    name: "a hundred thousand names of files",
    command: "glob",
    args: { path: "/w/*" },
    attack(worker, id) {
      worker.update(id, ["files", Array.from({ length: 100_000 }, (_, n) => `/w/${n}`)]);
      finish(worker, id);
    },
    check: ({ end }) => expect((end as CommandEnd).files).toHaveLength(100_000),
  },
  {
    name: "more names of files than anybody has",
    command: "glob",
    args: { path: "/w/*" },
    attack(worker, id) {
      worker.update(id, ["files", Array.from({ length: 600_000 }, () => "")]);
      finish(worker, id);
    },
    check: ({ end }) => expect((end as Error).message).toMatch(/update "files".*at most 500000/),
  },
  {
    name: "a stat of a million numbers",
    command: "stat",
    args: { path: "/w" },
    attack(worker, id) {
      worker.update(id, ["stat", Array.from({ length: 500_000 }, () => 1)]);
      finish(worker, id);
    },
    check: ({ end }) => expect((end as Error).message).toMatch(/update "stat"/),
  },
  {
    name: "pairs that are none, a hundred thousand of them",
    attack(worker, id) {
      worker.ask("update", { command_id: id, args: Array.from({ length: 100_000 }, () => [1]) });
      finish(worker, id);
    },
    check({ end, worker }) {
      expect(end).toBeInstanceOf(Error);
      expect(String(worker.answers.get(0)?.result).length).toBeLessThan(2500);
    },
  },
  {
    name: "bytes that are no text",
    attack(worker, id) {
      worker.raw(
        Buffer.concat([
          encodeFrame({ op: "update", seq_number: 0, command_id: id, args: [["stdout", lines("@@@\n")]] }).map(
            (byte) => (byte === 0x40 ? 0xff : byte),
          ),
        ]),
      );
      worker.update(id, ["stdout", lines("\0\u001b[31m\ud83d\n")]);
      finish(worker, id);
    },
    check({ end, stored }) {
      expect(end).toMatchObject(succeeded);
      expect(stored.get("stdio")?.text).toMatch(/^o[\ufffd\u00ff]{3}\n/);
    },
  },
  {
    name: "bytes where a text belongs",
    attack(worker, id) {
      worker.update(id, ["stdout", lines(new Uint8Array(1000))]);
      finish(worker, id);
    },
    check: ({ end }) => expect((end as Error).message).toMatch(/update "stdout"/),
  },
  {
    name: "more after the end",
    attack(worker, id) {
      finish(worker, id);
      worker.update(id, ["rc", 1], ["stdout", lines("late\n")]);
      worker.complete(id, "no");
    },
    check({ end, stored }) {
      expect(end).toMatchObject(succeeded);
      expect(stored.size).toBe(0);
    },
  },
  {
    name: "a reason of ten mebibytes",
    attack: (worker, id) => void worker.complete(id, "r".repeat(10 * oneMebibyte)),
    check: ({ end }) => expect((end as Error).message.length).toBeLessThan(66_000),
  },
  {
    name: "answers to questions that were never asked",
    attack(worker, id) {
      for (let n = 0; n < 10_000; n += 1)
        worker.raw(encodeFrame({ op: "response", seq_number: 1000 + n, result: "x" }));
      finish(worker, id);
    },
    check: ({ end }) => expect(end).toMatchObject(succeeded),
  },
];

describe("a hostile worker", () => {
  it.each(attacks)(
    "that sends $name costs no one else anything",
    async ({ command, args, options, deadMs, attack, check }) => {
      const { connect } = await openPort(deadMs);
      const [bad, good] = [await connect("bad"), await connect("good")];
      good.worker.onCommand = (id) => {
        good.worker.update(id, ["stdout", lines("honest\n")]);
        finish(good.worker, id);
      };
      let began: () => void = () => undefined;
      const underWay = new Promise<void>((resolve) => (began = resolve));
      bad.worker.onCommand = (id) => {
        void attack(bad.worker, id);
        began();
      };
      const step = await makeStep(bad.link);
      const ending = step.run(command ?? "shell", args ?? shell, options);
      await underWay;
      const honest = await makeStep(good.link);
      expect(await honest.run("shell", shell)).toMatchObject(succeeded);
      expect(honest.stored.get("stdio")?.text).toBe("ohonest\n");
      check({ end: await ending, worker: bad.worker, stored: step.stored });
      await good.link.ping();
    },
  );

  it.each([
    ["an environment of five mebibytes", { environ: { A: "x".repeat(5 * oneMebibyte) } }],
    ["twenty thousand variables", { environ: Object.fromEntries(Array.from({ length: 20_000 }, (_, n) => [n, ""])) }],
    ["a directory of any length", { basedir: "/".repeat(100_000) }],
    ["no directory", { basedir: null }],
  ])("that has %s is not attached", async (_, info) => {
    const { connect } = await openPort();
    const { worker, link } = await connect("bad");
    worker.info = { ...worker.info, ...info };
    await expect(link.getInfo()).rejects.toThrow(/the worker's info is/);
  });

  it("that describes itself too long is truncated", async () => {
    const { connect } = await openPort();
    const { worker, link } = await connect("bad");
    const facts = Object.fromEntries(Array.from({ length: 1000 }, (_, n) => [`fact${n}`, "x".repeat(100)]));
    worker.info = { ...worker.info, host: "h".repeat(100_000), ...facts };
    const { descriptions } = await link.getInfo();
    expect(Object.keys(descriptions).length).toBeLessThanOrEqual(200);
    expect(descriptions["host"]).toHaveLength(65_536);
  });
});
