import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { clusterConfig } from "@multimaster/config";
import { silentLog, systemClock } from "@multimaster/core";
import { execute, openDatabase, queryRows } from "@multimaster/database";
import { openArtifactStore } from "@multimaster/plugins";
import directoryStore from "@multimaster/plugins/artifact-stores/directory";
import s3 from "@multimaster/plugins/artifact-stores/s3";
import sleep from "@multimaster/plugins/steps/sleep";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startEngine } from "../../harness/engine.ts";
import { startMaster, type TestMaster } from "../../harness/master.ts";
import { startS3, type TestS3 } from "../../harness/s3-server.ts";
import { temporaryDirectory } from "../../harness/temporary-directory.ts";
import { waitFor } from "../../harness/wait-for.ts";

/** Of the first build, the file is too large to be stored before its engine is killed; of the second: 12 MB, more than two parts of an object in S3. */
const config = `
import { defineBuilders, defineCluster, defineScheduling, defineUi, defineWorkers, env } from "@multimaster/config";
import directory from "@multimaster/plugins/artifact-stores/directory";
import s3 from "@multimaster/plugins/artifact-stores/s3";
import force from "@multimaster/plugins/schedulers/force";
import shell from "@multimaster/plugins/steps/shell";
import upload from "@multimaster/plugins/steps/upload";

const endpoint = env("S3_ENDPOINT");
const make = \`mkdir -p out && echo first > out/a && rm -f out/big
if mkdir ../tried; then truncate -s 9G out/big
else head -c 12000000 /dev/zero > out/big; fi\`;

export default defineCluster({
  name: "uploads",
  database: "sqlite:state.sqlite",
  lease: "2s",
  artifacts: {
    store: endpoint === undefined
      ? directory({ path: "store" })
      : s3({ endpoint, bucket: "killed", accessKeyId: "test", secretAccessKey: "not-so-secret" }),
  },
  scheduler: async () => ({ default: defineScheduling({ schedulers: [force({ name: "force", builders: ["up"] })] }) }),
  builders: {
    all: async () => ({
      default: defineBuilders({
        builders: [{ name: "up", workers: ["w1"], steps: [shell({ command: make }), upload({ files: ["out/a", "out/big"] })] }],
      }),
    }),
  },
  workers: async () => ({ default: defineWorkers({ basedir: "workers", workers: [{ name: "w1", local: true }] }) }),
  ui: async () => ({ default: defineUi({ port: 0, hooks: [] }) }),
});
`;

let server: TestS3;
beforeAll(async () => {
  server = await startS3();
  await server.makeBucket("killed");
}, 120_000);
afterAll(() => server.stop());

interface Listed {
  artifacts: { name: string; size: number; buildid: number }[];
}

const list = async (master: TestMaster) => (await master.api<Listed>("artifacts?order=name")).body.artifacts;

it.each(["directory", "s3"] as const)(
  "what an engine that was killed has uploaded to %s is never seen, and is removed",
  async (kind) => {
    const directory = temporaryDirectory("uploads");
    writeFileSync(join(directory, "cluster.ts"), config);
    const options = {
      config: join(directory, "cluster.ts"),
      cwd: directory,
      env: { S3_ENDPOINT: kind === "s3" ? server.url : undefined },
    };
    const url = `sqlite:${directory}/state.sqlite`;
    const doomed = await startMaster(options);
    await doomed.waitReady();
    await doomed.apiPost("forceschedulers/force", "force", { builderNames: ["up"], reason: "test" });
    const database = await openDatabase(url, { log: silentLog });
    await waitFor(
      async () => (await queryRows(database, "select 1 from mm_artifacts where name = 'out/big'")).length > 0,
      {
        what: "the upload to begin",
        timeoutMs: 60_000,
      },
    );
    // Into the middle of the file.
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect(await list(doomed)).toEqual([]);
    await doomed.kill9();

    const next = await startMaster(options);
    await next.waitReady();
    expect(await list(next)).toEqual([]);
    const whole = await waitFor(async () => (await list(next)).length > 0 && (await list(next)), {
      what: "the build to be run again",
      timeoutMs: 60_000,
    });
    expect(whole.map(({ name, size }) => [name, size])).toEqual([
      ["out/a", 6],
      ["out/big", 12_000_000],
    ]);
    await next.stop();
    const left = await queryRows(database, "select buildid from mm_artifacts where state = 'uploading'");
    expect(left.length).toBeGreaterThan(0);

    // The engine's time to end has passed.
    await execute(database, "update builds set complete_at = complete_at - 1000 where results <> 0");
    await execute(database, "update mm_artifacts set created_at = created_at - 1000 where state = 'uploading'");
    const store =
      kind === "directory"
        ? directoryStore({ path: join(directory, "store") })
        : s3({ endpoint: server.url, bucket: "killed", accessKeyId: "test", secretAccessKey: "not-so-secret" });
    const { artifacts } = clusterConfig.parse({ name: "x", database: url, artifacts: { store } });
    await startEngine({ idle: [sleep({ time: "1s" })] }, { url, directory, shared: { artifacts } });
    await waitFor(
      async () => (await queryRows(database, "select 1 from mm_artifacts where state <> 'complete'")).length === 0,
      {
        what: "the clean-up",
        timeoutMs: 60_000,
      },
    );
    const opened = openArtifactStore((artifacts as NonNullable<typeof artifacts>).store, {
      configDirectory: directory,
      clock: systemClock,
    });
    const sizes: number[] = [];
    for await (const { size } of opened.list(new AbortController().signal)) sizes.push(size);
    expect(sizes.sort()).toEqual([12_000_000, 6]);
    await database.close();
  },
  180_000,
);
