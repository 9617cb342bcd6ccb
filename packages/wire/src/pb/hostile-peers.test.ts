import { connect } from "node:net";
import { type Logger, silentLog } from "@multimaster/core";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { call, pack, packHead, ScriptedPbWorker } from "../../../../test/harness/scripted-pb-worker.ts";
import { waitFor } from "../../../../test/harness/wait-for.ts";
import type { WorkerLink } from "../worker-link.ts";
import { createWorkerListener, type WorkerListener } from "../worker-listener.ts";
import { passwordMd5 } from "./login.ts";

let listener: WorkerListener;
let links: WorkerLink[];
let logged: string[];
let takes: boolean;

beforeEach(async () => {
  links = [];
  logged = [];
  takes = true;
  const warn = (...args: unknown[]) => void logged.push(String(args.at(-1)));
  listener = createWorkerListener({
    host: "127.0.0.1",
    port: 0,
    log: { ...silentLog, warn, error: warn } as unknown as Logger,
    isReady: () => true,
    authenticate: () => false,
    onWorker: (link) => void links.push(link),
    pb: {
      own: { host: "127.0.0.1", port: 0 },
      passwordMd5Of: (name) => (name === "w1" ? passwordMd5("right") : undefined),
      takes: () => takes,
    },
    pingMs: 100,
    deadMs: 2000,
  });
  await listener.start();
});

afterEach(() => listener.stop());

const open = () => new ScriptedPbWorker(listener.pbAddress()?.port ?? 0);
const ended = (worker: ScriptedPbWorker) =>
  waitFor(() => worker.ended, { what: "the connection to end", timeoutMs: 20_000 });

async function attach(): Promise<{ worker: ScriptedPbWorker; link: WorkerLink }> {
  const worker = open();
  await worker.login("w1", "right");
  const link = await waitFor(() => links.at(-1), { what: "the worker to be taken" });
  return { worker, link };
}

const none = pack("none");
const version = pack(["version", 6]);
const nest = (depth: number) => Buffer.concat(Array.from({ length: depth }, () => packHead(1, 0x80)));

/** Before the login is answered. */
const strangers: [string, Buffer, RegExp][] = [
  ["a dialect that was not offered", pack("jelly"), /chose no dialect/],
  ["a list for a dialect", pack(["none"]), /chose no dialect/],
  ["another version", Buffer.concat([none, pack(["version", 7])]), /version is not 6/],
  ["a name without end", Buffer.concat([none, version, packHead(655_360, 0x82)]), /at most 1024 are allowed/],
  ["a list of many", Buffer.concat([none, version, packHead(17, 0x80)]), /at most 16 are allowed/],
  ["lists in lists", Buffer.concat([none, version, nest(100)]), /nested deeper than 6/],
  ["digits without end", Buffer.alloc(1000, 1), /more than 10 digits/],
  ["bytes of another protocol", Buffer.from("GET / HTTP/1.1\r\n\r\n"), /digits/],
  [
    "an answer that no one asked for, then an unknown word",
    Buffer.concat([none, pack(["answer", 1, 1]), pack(["cachemessage", 1])]),
    /no worker sends/,
  ],
  [
    "the digest before the name",
    Buffer.concat([none, version, pack(call(1, 1, "respond", "x", ["remote", 1]))]),
    /failed before the login/,
  ],
  [
    "another method than login",
    Buffer.concat([none, version, pack(call(1, "root", "loginAnonymous", ["remote", 1]))]),
    /failed before the login/,
  ],
  [
    "a method by the name of a property",
    Buffer.concat([none, version, pack(call(1, "root", "constructor"))]),
    /failed before the login/,
  ],
  [
    "a name that is a number",
    Buffer.concat([none, version, pack(call(1, "root", "login", 5))]),
    /failed before the login/,
  ],
  [
    "a second login",
    Buffer.concat([none, version, pack(call(1, "root", "login", "w1")), pack(call(2, "root", "login", "w1"))]),
    /failed before the login/,
  ],
  [
    "a class to instantiate",
    Buffer.concat([none, version, pack(call(1, "root", "login", ["os.system", "x"]))]),
    /no worker sends/,
  ],
];

describe("a stranger at the pb port", () => {
  it.each(strangers)("that sends %s is cut off, with one line and without any error answer", async (_, bytes, why) => {
    const worker = open();
    worker.raw(bytes);
    await ended(worker);
    expect(logged).toEqual([expect.stringMatching(why)]);
    expect(logged[0]?.length).toBeLessThan(300);
    expect(worker.received.includes("CopyableFailure")).toBe(false);
    expect(links).toEqual([]);
  });

  it.runIf(process.env["MULTIMASTER_LONG"] === "1")(
    "that sends its login a byte now and then is cut after ten seconds, with one line",
    async () => {
      const worker = open();
      worker.raw(Buffer.concat([none, version]));
      const login = Buffer.concat([packHead(7, 0x80), packHead(7, 0x82)]);
      let at = 0;
      const drip = setInterval(() => worker.raw(Buffer.from([login[at++] ?? 0x78])), 1500);
      await ended(worker);
      clearInterval(drip);
      expect(logged).toEqual([expect.stringMatching(/did not complete its login in time/)]);
      expect(links).toEqual([]);
    },
  );

  it("that hangs up or says nothing is a health check: nothing is logged", async () => {
    const port = listener.pbAddress()?.port ?? 0;
    const socket = connect(port, "127.0.0.1");
    await new Promise<void>((resolve) => socket.once("data", () => resolve()));
    socket.destroy();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(logged).toEqual([]);
  });

  it.each([
    ["w1", "wrong"],
    ["unknown", "right"],
  ])("named %s with the password %s gets the one error that workers understand", async (name, password) => {
    const worker = open();
    await worker.login(name, password);
    await worker.heard("twisted.cred.error.UnauthorizedLogin");
    expect(logged).toEqual([expect.stringMatching(/was refused: no worker with that name and password/)]);
    expect(worker.ended).toBe(false);
    expect(links).toEqual([]);
  });

  it("with the right password is let in and sent away while no worker is taken", async () => {
    takes = false;
    const worker = open();
    await worker.login("w1", "right");
    await ended(worker);
    expect(worker.received.includes("CopyableFailure")).toBe(false);
    expect(links).toEqual([]);
  });
});

describe("a hostile worker with pb", () => {
  const attacks: [string, Buffer, RegExp][] = [
    ["a string without end", Buffer.concat([packHead(9, 0x80), packHead(700_000, 0x82)]), /at most 655360 are allowed/],
    ["a list without end", packHead(2_000_000, 0x80), /at most 200000 are allowed/],
    ["lists in lists", nest(1000), /nested deeper than 32/],
    ["an expression of another kind", pack(["uncache", 1]), /no worker sends/],
    ["a call without arguments", pack(["message", 9, 2, "keepalive"]), /too few elements/],
    ["a class to instantiate", pack(call(9, 2, "keepalive", ["os.system", "x"])), /no worker sends/],
    [
      "a bomb of references",
      pack(
        call(9, 2, "keepalive", [
          "list",
          ["reference", 1, ["list", 1]],
          ...Array.from(
            { length: 40 },
            (_, n) => ["reference", n + 2, ["list", ["dereference", n + 1], ["dereference", n + 1]]] as const,
          ),
        ]),
      ),
      /consists of more/,
    ],
  ];

  it.each(attacks)("that sends %s is cut off, with one line", async (_, bytes, why) => {
    const { worker, link } = await attach();
    worker.raw(bytes);
    await link.closed;
    expect(logged).toEqual([expect.stringMatching(why)]);
    expect(logged[0]).toMatch(/^worker w1: /);
  });

  it("gets errors for objects and methods that do not exist, and stays", async () => {
    const { worker, link } = await attach();
    worker.send(call(9, 77, "update", ["list"]), call(10, 2, "__class__"), call(11, 2, "keepalive"));
    await worker.heard("DeadReferenceError");
    await worker.heard("NoSuchMethod");
    expect(link.isOpen).toBe(true);
  });

  it("that answers nothing is cut after a while", async () => {
    const { link } = await attach();
    await link.closed;
    expect(logged).toEqual([expect.stringMatching(/nothing was received for 2 s; the connection is cut/)]);
  });

  it("that sends a byte of one expression now and then is cut after a while", async () => {
    const { worker, link } = await attach();
    worker.raw(packHead(1000, 0x80));
    const drip = setInterval(() => worker.raw(pack(1)), 50);
    await link.closed;
    clearInterval(drip);
    expect(logged).toEqual([expect.stringMatching(/one expression has not ended for 2 s; the connection is cut/)]);
  });

  it("that calls and never reads is not read either, then cut; memory stays flat", async () => {
    const { worker, link } = await attach();
    worker.socket.pause();
    const before = process.memoryUsage().rss;
    const burst = Buffer.concat(Array.from({ length: 2000 }, (_, n) => pack(call(10 + n, 77, "update", ["list"]))));
    let isOpen = true;
    void link.closed.then(() => {
      isOpen = false;
    });
    while (isOpen) {
      worker.raw(burst);
      await new Promise((resolve) => setTimeout(resolve, 20));
      if (worker.socket.writableLength > 32_000_000) break;
    }
    expect(process.memoryUsage().rss - before).toBeLessThan(300_000_000);
    await link.closed;
  });
});
