import { randomUUID } from "node:crypto";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Results, silentLog } from "@multimaster/core";
import type { CommandOptions, StepContext, StepDefinition, TestReport } from "@multimaster/plugins";
import junit from "@multimaster/plugins/steps/junit";
import type { CommandName, CommandRequest, WorkerLink } from "@multimaster/wire";
import { createWorker } from "@multimaster/worker";
import { describe, expect, it } from "vitest";
import { startBuildbotWorker } from "../harness/buildbot-worker.ts";
import { markedEnvironment } from "../harness/cleanup.ts";
import { temporaryDirectory } from "../harness/temporary-directory.ts";
import { openWorkerPort } from "./worker-port.ts";

/** Programs that are workers, each connected to the port. */
const workers: readonly [what: string, start: (port: number) => Promise<{ stop(): Promise<void> }>][] = [
  ["buildbot-worker 4.3.0", (port) => startBuildbotWorker({ port, name: "w", password: "secret" })],
  [
    "our worker",
    async (port) => {
      const worker = createWorker({
        url: `ws://127.0.0.1:${port}/`,
        name: "w",
        password: "secret",
        basedir: temporaryDirectory("worker"),
        log: silentLog,
        environment: { PATH: process.env["PATH"] ?? "", ...markedEnvironment() },
      });
      await worker.start();
      return worker;
    },
  ],
];

/** Runs the step on a worker, below a directory of its machine. */
async function run(link: WorkerLink, directory: string, options: Parameters<typeof junit>[0]) {
  const reports: TestReport[] = [];
  const ctx = {
    name: "junit",
    property: () => undefined,
    source: () => undefined,
    setState: () => {},
    path: (...parts: string[]) => join(directory, ...parts),
    async command(name: CommandName, args: CommandRequest["args"], { upload }: CommandOptions) {
      let files: readonly string[] = [];
      const outcome = await link.startCommand({
        id: randomUUID(),
        name,
        args,
        onUpdate: (update) => {
          if (update.kind === "files") files = update.files;
        },
        ...(upload === undefined ? {} : { upload }),
      } as CommandRequest);
      if (outcome.kind !== "completed") throw new Error(`${name}: ${JSON.stringify(outcome)}`);
      return { rc: outcome.rc, files };
    },
    log: async () => ({ write: async () => {} }),
    addTestResults: async (report: TestReport) => void reports.push(report),
  } as unknown as StepContext;
  const end = await (junit(options).plugin as StepDefinition).run(ctx, options as never);
  return { end, report: reports[0] };
}

const file = (cases: number) =>
  `<testsuite name="s">${Array.from({ length: cases }, (_, i) => `<testcase name="t${i}" classname="größe.A" time="3"/>`).join("")}</testsuite>`;

describe.each(workers)("the step junit on %s", (_, start) => {
  it("finds files at any depth, reads large ones, fails one that is too large, and removes them if asked to", async () => {
    const port = await openWorkerPort("w", "secret");
    const worker = await start(port.port);
    const link = await port.waitForWorker();
    await link.configure();
    // What a pattern means by these characters, a directory's own name does not.
    const directory = join(temporaryDirectory("build"), "[x] of 'q'*? é #1 100%");
    const reports = join(directory, "build", "reports", "deep", "down");
    mkdirSync(reports, { recursive: true });
    writeFileSync(join(directory, "build", "reports", "a.xml"), file(1));
    writeFileSync(join(reports, "b.xml"), file(10_000));
    const options = { files: "reports/**/*.xml" };

    const whole = await run(link, directory, options);
    expect(whole.end).toEqual({ results: Results.SUCCESS, summary: "10001 passed" });
    expect(whole.report?.results[10_000]).toMatchObject({ name: "größe.A > t9999", durationNs: 3_000_000_000 });

    const cut = await run(link, directory, { ...options, maxFileSize: 5000, removeFiles: true });
    expect(cut.end.results).toBe(Results.FAILURE);
    expect(cut.end.reason).toBe("reports/deep/down/b.xml: it is larger than 5000 bytes (maxFileSize)");
    expect(readdirSync(reports)).toEqual([]);

    const none = await run(link, directory, options);
    expect(none.end.reason).toBe("no file in build matches reports/**/*.xml: did the tests run?");
    await worker.stop();
    await port.stop();
  });
});
