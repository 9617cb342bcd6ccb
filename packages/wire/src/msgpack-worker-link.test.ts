import { silentLog } from "@multimaster/core";
import { describe, expect, it } from "vitest";
import type { CommandUpdate } from "./command-updates.ts";
import type { Message } from "./frames.ts";
import { Link } from "./link.ts";
import { RemoteException, RequestRefused } from "./link-errors.ts";
import { createTransportPair } from "./memory-transport.ts";
import { MsgpackWorkerLink } from "./msgpack-worker-link.ts";
import type { Transport } from "./transport.ts";

/** A worker whose every word the test decides. */
function scriptWorker(onRequest: (op: string, fields: Message, worker: Link) => unknown) {
  const [a, b] = createTransportPair();
  const link = new MsgpackWorkerLink(a, { name: "w", log: silentLog });
  const worker: Link = new Link(b, {
    log: silentLog,
    peer: "the master",
    onBadFrame: "ignore",
    onRequest: (op, fields) => onRequest(op, fields, worker),
  });
  return { link, worker };
}

const stat = { id: "1", name: "stat", args: { path: "/x" } } as const;
const lines = (text: string) => [text, [], []];

describe("a command at the master's end", () => {
  it("may complete before its start is answered", async () => {
    const { link } = scriptWorker(async (op, _, worker) => {
      if (op !== "start_command") return null;
      await worker.request("update", {
        command_id: "1",
        args: [
          ["rc", 0],
          ["elapsed", 0.5],
        ],
      });
      await worker.request("complete", { command_id: "1", args: null });
      return null;
    });
    expect(await link.startCommand(stat)).toEqual({ kind: "completed", rc: 0, interrupted: false, elapsed: 0.5 });
    expect(link.runningCommands).toEqual([]);
  });

  it("hears the unfinished line that comes after the return code", async () => {
    const updates: CommandUpdate[] = [];
    const { link } = scriptWorker((_, __, worker) => {
      void worker.request("update", {
        command_id: "1",
        args: [
          ["rc", 3],
          ["stdout", lines("tail\n")],
        ],
      });
      void worker.request("complete", { command_id: "1", args: null });
      return null;
    });
    const outcome = await link.startCommand({ ...stat, onUpdate: (update) => void updates.push(update) });
    expect(outcome).toMatchObject({ kind: "completed", rc: 3 });
    expect(updates).toMatchObject([{ kind: "stream", name: "stdout", text: "tail\n", times: [expect.any(Number)] }]);
  });

  it("was never run when its start is answered with an exception", async () => {
    const { link } = scriptWorker(() => {
      throw new RequestRefused("unrecognized WorkerCommand");
    });
    expect(await link.startCommand(stat)).toEqual({ kind: "exception", message: "unrecognized WorkerCommand" });
  });

  it.each([
    ["a failure string, whatever the return code says", [["rc", 0]], "[Failure instance: …]"],
    ["no return code", [], null],
  ])("is an exception with %s", async (_, pairs, failure) => {
    const { link } = scriptWorker((__, ___, worker) => {
      void worker.request("update", { command_id: "1", args: pairs });
      void worker.request("complete", { command_id: "1", args: failure });
      return null;
    });
    expect((await link.startCommand(stat)).kind).toBe("exception");
  });

  it("is lost with the connection, after what had arrived was consumed", async () => {
    const consumed: string[] = [];
    const { link, worker } = scriptWorker((_, __, self) => {
      void self
        .request("update", {
          command_id: "1",
          args: [
            ["stdout", lines("a\n")],
            ["stderr", lines("b")],
          ],
        })
        .catch(() => undefined);
      setImmediate(() => self.terminate());
      return null;
    });
    const outcome = await link.startCommand({
      ...stat,
      async onUpdate(update) {
        await worker.closed;
        if (update.kind === "stream") consumed.push(update.text);
      },
    });
    expect(outcome).toEqual({ kind: "lost" });
    expect(consumed).toEqual(["a\n", "b\n"]);
  });

  it("takes nothing after its completion: an orphan's late words are refused", async () => {
    const { link, worker } = scriptWorker((_, __, self) => {
      void self.request("update", { command_id: "1", args: [["rc", 0]] });
      void self.request("complete", { command_id: "1", args: null });
      return null;
    });
    await link.startCommand(stat);
    const refused = [
      worker.request("update", { command_id: "1", args: [] }),
      worker.request("complete", { command_id: "old" }),
    ];
    for (const request of refused) await expect(request).rejects.toThrow(RemoteException);
  });

  it("answers hostile requests with an exception, has no success for their command, and goes on", async () => {
    const refused: unknown[] = [];
    const { link } = scriptWorker(async (_, start, self) => {
      if (start["command_id"] === "2") {
        void self.request("update", { command_id: "2", args: [["rc", 0]] });
        void self.request("complete", { command_id: "2" });
        return null;
      }
      const hostile: [string, Message][] = [
        ["make_coffee", {}],
        ["update", { command_id: "1", args: "text" }],
        ["update", { command_id: "1", args: [["stdout", 7]] }],
        ["update", {}],
        ["update_read_file", { command_id: "1", length: -1 }],
        ["update_upload_file_write", { command_id: "1", args: new Uint8Array(1) }],
      ];
      for (const [op, fields] of hostile) refused.push(await self.request(op, fields).catch((error: unknown) => error));
      void self.request("update", {
        command_id: "1",
        args: [
          ["rc", 0],
          ["news", "of a later version"],
        ],
      });
      void self.request("complete", { command_id: "1" });
      return null;
    });
    // What could not be read may have been its return code.
    expect(await link.startCommand(stat)).toEqual({
      kind: "exception",
      message: expect.stringMatching(/"update" is invalid/),
    });
    expect(await link.startCommand({ ...stat, id: "2" })).toMatchObject({ kind: "completed", rc: 0 });
    expect(refused).toHaveLength(6);
    for (const answer of refused) expect(answer).toBeInstanceOf(RemoteException);
  });

  it("is not read faster than it is consumed", async () => {
    const [a, b] = createTransportPair();
    let delivered = 0;
    let consumed = 0;
    let mostWaiting = 0;
    const counting: Transport = {
      open: (receiver) =>
        a.open({
          ...receiver,
          onFrame(frame) {
            delivered += 1;
            mostWaiting = Math.max(mostWaiting, delivered - consumed);
            receiver.onFrame(frame);
          },
        }),
      send: (frame) => a.send(frame),
      close: (code, reason) => a.close(code, reason),
      terminate: () => a.terminate(),
      pause: () => a.pause(),
      resume: () => a.resume(),
    };
    const text = `${"x".repeat(1_000_000)}\n`;
    const worker: Link = new Link(b, {
      log: silentLog,
      peer: "the master",
      onBadFrame: "ignore",
      onRequest() {
        for (let n = 0; n < 50; n += 1)
          void worker.request("update", { command_id: "1", args: [["stdout", lines(text)]] });
        void worker.request("update", { command_id: "1", args: [["rc", 0]] });
        void worker.request("complete", { command_id: "1" });
        return null;
      },
    });
    const outcome = await new MsgpackWorkerLink(counting, { name: "w", log: silentLog }).startCommand({
      ...stat,
      async onUpdate() {
        await new Promise((resolve) => setImmediate(resolve));
        consumed += 1;
      },
    });
    expect(outcome).toMatchObject({ kind: "completed", rc: 0 });
    expect(consumed).toBe(50);
    expect(mostWaiting).toBeLessThan(8);
  });
});

describe("a worker's info", () => {
  it("is split into what is known and what describes", async () => {
    const { link } = scriptWorker(() => ({
      basedir: "/w",
      system: "posix",
      version: "4.3.0",
      worker_commands: { shell: "3.3" },
      admin: "me\n",
      os_id: "debian",
      delete_leftover_dirs: 0,
    }));
    expect(await link.getInfo()).toMatchObject({
      basedir: "/w",
      commands: { shell: "3.3" },
      deletesLeftoverDirs: false,
      descriptions: { admin: "me\n", os_id: "debian" },
    });
  });

  it("that lacks what every path depends on is refused with a sentence", async () => {
    const { link } = scriptWorker(() => ({ version: "4.3.0" }));
    await expect(link.getInfo()).rejects.toThrow(/basedir/);
  });
});
