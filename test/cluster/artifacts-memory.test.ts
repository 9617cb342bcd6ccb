import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { isLong } from "../harness/long-form.ts";
import { startMaster, type TestMaster } from "../harness/master.ts";
import { startOwnWorker } from "../harness/own-worker.ts";
import { freePort } from "../harness/ports.ts";
import { temporaryDirectory } from "../harness/temporary-directory.ts";
import { waitFor } from "../harness/wait-for.ts";

const bytes = Number(process.env["MULTIMASTER_BYTES"] ?? 2 * 1024 ** 3);
const files = Number(process.env["MULTIMASTER_FILES"] ?? 10_000);
/** Megabytes that a master may use more than after the same with a small file. */
const allowed = 50;

const config = `
import { defineBuilders, defineCluster, defineScheduling, defineUi, defineWorkers, env, envPort } from "@multimaster/config";
import directory from "@multimaster/plugins/artifact-stores/directory";
import force from "@multimaster/plugins/schedulers/force";
import download from "@multimaster/plugins/steps/download";
import fetchArtifacts from "@multimaster/plugins/steps/fetch-artifacts";
import shell from "@multimaster/plugins/steps/shell";
import upload from "@multimaster/plugins/steps/upload";

const oneFile = (bytes) => [
  shell({ command: \`head -c \${bytes} /dev/urandom > big\`, timeout: null }),
  upload({ files: "big" }),
  download({ artifact: "big", to: "copy" }),
  shell({ command: "cmp big copy && rm copy", timeout: null }),
];
const manyFiles = [
  shell({ command: "rm -rf many && mkdir many && cd many && for i in $(seq ${files}); do echo $i > f$i; done" }),
  upload({ directory: "many" }),
  // They replace those of the step before.
  upload({ directory: "many" }),
];
const fetched = [
  fetchArtifacts({ builder: "many", to: "got" }),
  shell({ command: "test $(ls got | wc -l) = ${files} && for i in $(seq ${files}); do echo $i; done | sort > want && cat got/* | sort | cmp - want" }),
];

export default defineCluster({
  name: "artifacts",
  database: "sqlite:state.sqlite",
  lease: env("LEASE", "15s"),
  artifacts: { store: directory({ path: "store" }) },
  scheduler: async () => ({
    default: defineScheduling({ schedulers: [force({ name: "force", builders: ["small", "large", "many", "fetched"] })] }),
  }),
  builders: {
    all: async () => ({
      default: defineBuilders({
        builders: Object.entries({ small: oneFile(64 * 1024 * 1024), large: oneFile(${bytes}), many: manyFiles, fetched }).map(
          ([name, steps]) => ({ name, workers: ["w1"], steps }),
        ),
      }),
    }),
  },
  workers: async () => ({ default: defineWorkers({ host: "127.0.0.1", port: envPort("WORKER_PORT", 0), workers: [{ name: "w1", password: "secret" }] }) }),
  ui: async () => ({ default: defineUi({ port: 0, hooks: [] }) }),
});
`;

/** Megabytes of memory that the process has now. */
function residentOf(pid: number): number {
  return (Number(readFileSync(`/proc/${pid}/statm`, "latin1").split(" ")[1]) * 4096) / 2 ** 20;
}

/** Does the work; resolves to the most memory that the master had meanwhile. */
async function sampled(master: TestMaster, what: string, work: () => Promise<void>): Promise<number> {
  let most = 0;
  const timer = setInterval(() => {
    most = Math.max(most, residentOf(master.process.pid));
  }, 100);
  const from = Date.now();
  try {
    await work();
  } finally {
    clearInterval(timer);
  }
  console.log(`${what}: at most ${most.toFixed(0)} MB resident, ${((Date.now() - from) / 1000).toFixed(0)} s`);
  return most;
}

/** Bytes of all files below a directory. */
function bytesBelow(directory: string): number {
  const entries = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return entries.reduce((sum, entry) => {
    // It may be gone by now.
    return sum + (statSync(join(entry.parentPath, entry.name), { throwIfNoEntry: false })?.size ?? 0);
  }, 0);
}

const listArtifacts = async (master: TestMaster) =>
  (await master.api<{ artifacts: { size: number }[] }>("artifacts")).body.artifacts;

async function build(master: TestMaster, builder: string): Promise<void> {
  await master.apiPost("forceschedulers/force", "force", { builderNames: [builder], reason: "test" });
  const ended = await waitFor(
    async () => {
      const { body } = await master.api<{ builds: { results: number; state_string: string }[] }>(
        `builders/${builder}/builds?complete=true`,
      );
      return body.builds[0];
    },
    { what: `the build of ${builder} to end`, timeoutMs: 1_800_000, intervalMs: 500 },
  );
  expect([builder, ended.results, ended.state_string]).toEqual([builder, 0, "build successful"]);
}

async function downloadAll(master: TestMaster, builder: string): Promise<void> {
  const { body: found } = await master.api<{ builders: { builderid: number }[] }>(`builders/${builder}`);
  const { body } = await master.api<{ artifacts: { artifactid: number; size: number; sha256: string }[] }>(
    `builders/${found.builders[0]?.builderid}/artifacts`,
  );
  expect(body.artifacts.length).toBeGreaterThan(0);
  for (const { artifactid, size, sha256 } of body.artifacts) {
    const answer = await master.fetch(`artifacts/${artifactid}`);
    const hash = createHash("sha256");
    let got = 0;
    for await (const block of answer.body as unknown as AsyncIterable<Uint8Array>) {
      hash.update(block);
      got += block.length;
    }
    expect([got, hash.digest("hex")]).toEqual([size, sha256]);
  }
}

it.skipIf(!isLong)(
  `a file of ${bytes} bytes goes in and out, and ${files} small ones, in little memory (npm run test:artifacts)`,
  async () => {
    const directory = temporaryDirectory("artifacts");
    writeFileSync(join(directory, "cluster.ts"), config);
    const master = await startMaster({ config: join(directory, "cluster.ts"), cwd: directory });
    await master.waitReady();
    await startOwnWorker({ port: await master.workerPort(), name: "w1", password: "secret" });
    await sampled(master, "a file of 64 MiB through the steps", () => build(master, "small"));
    const before = await sampled(master, "and by HTTP", () => downloadAll(master, "small"));
    const peaks = {
      steps: await sampled(master, "the large file through the steps", () => build(master, "large")),
      http: await sampled(master, "and by HTTP", () => downloadAll(master, "large")),
      many: await sampled(master, `${files} files in, twice`, () => build(master, "many")),
      fetched: await sampled(master, `${files} files out`, () => build(master, "fetched")),
    };
    for (const [what, peak] of Object.entries(peaks))
      expect(peak - before, `megabytes more for: ${what}`).toBeLessThan(allowed);
    await master.stop();
  },
  7_200_000,
);

it.skipIf(!isLong)(
  `an engine that is killed while it takes in ${bytes} bytes leaves nothing that anyone sees (npm run test:artifacts)`,
  async () => {
    const directory = temporaryDirectory("artifacts");
    writeFileSync(join(directory, "cluster.ts"), config);
    const workerPort = await freePort();
    const options = {
      config: join(directory, "cluster.ts"),
      cwd: directory,
      env: { WORKER_PORT: String(workerPort), LEASE: "4s" },
    };
    const doomed = await startMaster(options);
    await doomed.waitReady();
    await startOwnWorker({ port: workerPort, name: "w1", password: "secret" });
    await doomed.apiPost("forceschedulers/force", "force", { builderNames: ["large"], reason: "test" });
    const stored = () => bytesBelow(join(directory, "store"));
    await waitFor(() => stored() > bytes / 3, { what: "a third to be in the store", timeoutMs: 1_800_000 });
    expect((await listArtifacts(doomed)).length).toBe(0);
    await doomed.kill9();
    console.log(`killed with ${(stored() / 2 ** 20).toFixed(0)} MiB in the store`);
    const master = await startMaster(options);
    await master.waitReady();
    // The build runs again, to its end: at no time there is an artifact that is not whole.
    const seen: number[] = [];
    await waitFor(
      async () => {
        for (const { size } of await listArtifacts(master)) seen.push(size);
        const { body } = await master.api<{ builds: { results: number }[] }>("builders/large/builds?results=0");
        return body.builds.length > 0;
      },
      { what: "the build to succeed", timeoutMs: 1_800_000, intervalMs: 500 },
    );
    expect(seen.every((size) => size === bytes)).toBe(true);
    await downloadAll(master, "large");
    // What the killed engine has left is removed: no more than the whole artifact is there.
    await waitFor(() => stored() <= bytes * 1.01, { what: "the half to be removed", timeoutMs: 300_000 });
    await master.stop();
  },
  7_200_000,
);
