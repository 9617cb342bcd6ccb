import { closeSync, ftruncateSync, openSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { clusterConfig } from "@multimaster/config";
import { Results } from "@multimaster/core";
import directory from "@multimaster/plugins/artifact-stores/directory";
import download from "@multimaster/plugins/steps/download";
import saveCache from "@multimaster/plugins/steps/save-cache";
import shell from "@multimaster/plugins/steps/shell";
import { describe, expect, it } from "vitest";
import { startBuildbotWorker } from "../../harness/buildbot-worker.ts";
import { type Engine, endAfterTest, localWorkers, type Steps, startEngine } from "../../harness/engine.ts";
import { temporaryDirectory } from "../../harness/temporary-directory.ts";
import { waitFor } from "../../harness/wait-for.ts";

const from = temporaryDirectory("large");

/** So large that no worker gets to its end before the stop; its bytes take no room. */
const size = 1024 ** 4;

function makeLarge(): string {
  const path = join(from, "large");
  const file = openSync(path, "w");
  ftruncateSync(file, size);
  closeSync(file);
  return path;
}

function shared() {
  const parsed = clusterConfig.parse({
    name: "test",
    database: "sqlite:x",
    artifacts: { store: directory({ path: temporaryDirectory("artifacts") }) },
    onMaster: { readFrom: [from] },
  });
  return { artifacts: parsed.artifacts, onMaster: parsed.onMaster };
}

const worlds: Record<string, (steps: Steps) => Promise<Engine>> = {
  "our own worker": (steps) => startEngine({ b: steps }, { workers: localWorkers, shared: shared() }),
  "buildbot-worker": async (steps) => {
    const workers = { host: "127.0.0.1", port: 0, workers: [{ name: "w1", password: "secret" }] };
    const engine = await startEngine({ b: steps }, { workers, shared: shared() });
    const worker = await startBuildbotWorker({ port: engine.port(), name: "w1", password: "secret", protocol: "pb" });
    endAfterTest(() => worker.stop());
    return engine;
  },
};

describe.each(Object.entries(worlds))("a build that is stopped (%s)", (_world, start) => {
  /** Runs the step until it has begun its file in the build's directory, and stops it there. Returns what is left. */
  async function stopAt(step: Steps[number], isBegun: (name: string) => boolean): Promise<string[]> {
    const where = shell({ name: "where", command: "pwd; truncate -s 1T sparse", property: "where" });
    const engine = await start([where, step]);
    const request = await engine.submit("b");
    const workdir = await waitFor(async () => (await engine.properties(1))["where"]?.[0] as string | undefined, {
      what: "the directory of the build",
    });
    const found = () =>
      [workdir, join(workdir, "..")].flatMap((path) => readdirSync(path).map((name) => join(path, name)));
    await waitFor(() => found().some(isBegun), { what: "a half file" });
    await engine.data.updates.builds.requestStop(1, "not needed");
    const [build] = await engine.finished(request);
    expect(build?.results).toBe(Results.CANCELLED);
    return found().filter(isBegun);
  }

  it("leaves no half archive of a cache", async () => {
    expect(await stopAt(saveCache({ key: "k", paths: ["sparse"] }), (path) => path.includes(".cache-"))).toEqual([]);
  });

  it("leaves no half file of a download", async () => {
    const step = download({ fromMaster: makeLarge(), to: "half" });
    expect(await stopAt(step, (path) => path.endsWith("/half"))).toEqual([]);
  });
});
