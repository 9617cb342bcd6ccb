import { join } from "node:path";
import shell from "@multimaster/plugins/steps/shell";
import { expect, it } from "vitest";
import type { WorkerProtocol } from "../harness/buildbot-worker.ts";
import { endAfterTest, startEngine } from "../harness/engine.ts";
import { runProcess } from "../harness/processes.ts";
import { temporaryDirectory } from "../harness/temporary-directory.ts";
import { componentDirectory } from "../setup.mjs";

const program = join(componentDirectory("buildbot-worker"), "bin", "buildbot-worker");
const call = (...args: string[]) => runProcess({ name: `buildbot-worker ${args[0]}`, command: program, args });

// It starts a daemon and follows its log until the master has said that the worker is attached.
it.each<WorkerProtocol>(["pb", "msgpack_experimental_v7"])(
  "`buildbot-worker start` succeeds once its worker is attached with %s",
  async (protocol) => {
    const engine = await startEngine(
      { b: [shell({ command: "true" })] },
      { workers: { host: "127.0.0.1", port: 0, workers: [{ name: "w1", password: "secret" }] } },
    );
    const basedir = join(temporaryDirectory("daemon"), "base");
    await call("create-worker", `--protocol=${protocol}`, basedir, `127.0.0.1:${engine.port()}`, "w1", "secret");
    endAfterTest(async () => void (await call("stop", basedir)));
    // It fails with another exit code than 0.
    const { stdout, stderr } = await call("start", basedir);
    expect(stdout + stderr).toContain("appears to have (re)started correctly");
    expect(engine.said).toContain("worker w1 is attached");
  },
  30_000,
);
