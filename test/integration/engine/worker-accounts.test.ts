import { randomBytes } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { interpolate, type WorkersSliceInput } from "@multimaster/config";
import { silentLog } from "@multimaster/core";
import { addWorkerAccount, anonymousActor, createTrail } from "@multimaster/data";
import { queryRows } from "@multimaster/database";
import shell from "@multimaster/plugins/steps/shell";
import { createWorker } from "@multimaster/worker";
import { expect, it } from "vitest";
import { attemptLogin } from "../../harness/attempt-login.ts";
import { startBuildbotWorker } from "../../harness/buildbot-worker.ts";
import { markedEnvironment } from "../../harness/cleanup.ts";
import { type Engine, endAfterTest, startEngine } from "../../harness/engine.ts";
import { temporaryDirectory } from "../../harness/temporary-directory.ts";
import { waitFor } from "../../harness/wait-for.ts";

const trail = createTrail(anonymousActor, "test", "worker_accounts");
const open = (workers: WorkersSliceInput["workers"]) => ({
  workers: { host: "127.0.0.1", port: 0, accounts: true, workers },
});

async function connect(engine: Engine, password: string) {
  const worker = createWorker({
    url: `ws://127.0.0.1:${engine.port()}/`,
    name: "w1",
    password,
    basedir: temporaryDirectory("worker"),
    log: silentLog,
    retryMs: 100,
    environment: { PATH: process.env["PATH"] ?? "", ...markedEnvironment() },
  });
  await worker.start();
  endAfterTest(() => worker.stop());
  return worker;
}

/** Waits until the engine has logged this, so many times. */
function said(engine: Engine, sentence: string, times = 1): Promise<unknown> {
  const count = () => engine.said.filter((line) => line.startsWith(sentence)).length;
  return waitFor(() => count() >= times, { what: `the engine to log "${sentence}"` });
}

it("takes a worker that is added while the engine runs, and disconnects it when it is revoked", async () => {
  const steps = [shell({ command: interpolate("echo built in ${place}") })];
  const engine = await startEngine({ one: steps }, open([]));
  const { workerAccounts } = engine.data.updates;
  const options = { missingTimeout: 43_200_000, owner: "ann" };
  const account = { name: "w1", maxBuilds: 1, properties: { place: "a rack" }, options };
  const { secret } = await workerAccounts.add(account, trail);
  const worker = await connect(engine, secret);
  await said(engine, "worker w1 is attached");
  const [build] = await engine.finished(await engine.submit("one"));
  const step = (await engine.stepsOf(build?.buildid as number)).at(-1);
  expect(await engine.logText(step?.stepid as number, "stdio")).toContain("built in 'a rack'");

  const terms = await queryRows(engine.database, "select missing_timeout_s as after, owner from mm_worker_lives");
  expect(terms).toEqual([{ after: 43_200, owner: "ann" }]);

  await workerAccounts.revoke("w1", trail);
  await said(engine, "worker w1 was revoked: it is disconnected");
  await said(engine, "worker w1 has left");
  await said(engine, 'Worker "w1" from 127.0.0.1 was refused: no worker with that name and password');
  await worker.stop();

  // The name is free again. A worker that logged in by the former account does not stay under the new one.
  const again = await workerAccounts.add({ name: "w1", maxBuilds: 1, properties: {} }, trail);
  await connect(engine, again.secret);
  await said(engine, "worker w1 is attached", 2);
  await workerAccounts.revoke("w1", trail);
  await workerAccounts.add({ name: "w1", maxBuilds: 1, properties: {} }, trail);
  await said(engine, "worker w1 has left", 2);
});

it("ends what a revoked worker runs, and counts its build neither against the worker nor against its request", async () => {
  const began = join(temporaryDirectory("revoked"), "began");
  const engine = await startEngine({ one: [shell({ command: `echo $$ > ${began}; exec sleep 1000` })] }, open([]));
  const { workerAccounts } = engine.data.updates;
  const { secret } = await workerAccounts.add({ name: "w1", maxBuilds: 1, properties: {} }, trail);
  const worker = await connect(engine, secret);
  const request = await engine.submit("one");
  const pid = await waitFor(() => existsSync(began) && Number(readFileSync(began, "utf8")), {
    what: "the build to begin",
  });
  await workerAccounts.revoke("w1", trail);
  const ended = () => queryRows(engine.database, "select state_string as state from builds where results = 5");
  await waitFor(async () => (await ended()).length > 0, { what: "the build to end as RETRY" });
  expect(await ended()).toEqual([{ state: "worker w1 was revoked" }]);
  await waitFor(() => !existsSync(`/proc/${pid}`), { what: "its command to be killed" });
  await worker.stop();
  const absences = await queryRows(engine.database, "select reason from mm_worker_absences order by id");
  expect(absences.at(-1)).toEqual({ reason: "revoked" });
  const explain = async () =>
    JSON.stringify(await engine.data.rest.get(["buildrequests", String(request), "why"], new URLSearchParams()));
  await waitFor(async () => /w1 is away\. The account of w1 was revoked at 20[^ ]+Z\./.test(await explain()), {
    what: "the request to say that it waits for a worker that was revoked",
  });
  const losses = await queryRows(
    engine.database,
    "select worker_losses from mm_request_losses where buildrequestid = ? and worker_losses > 0",
    [request],
  );
  expect(losses).toEqual([]);
  expect(await queryRows(engine.database, "select 1 from mm_worker_lives where failures > 0")).toEqual([]);
});

it("stores no secret, and leaves a name of the config to the config", async () => {
  const engine = await startEngine(
    { one: [shell({ command: "true" })] },
    open([{ name: "w1", password: "configured" }]),
  );
  const { workerAccounts } = engine.data.updates;
  const { secret } = await workerAccounts.add({ name: "w1", maxBuilds: 1, properties: {} }, trail);
  await waitFor(async () => (await workerAccounts.accepted())?.workers.length === 1, { what: "the account" });
  const attempt = (password: string) => attemptLogin(engine.port(), "w1", password);
  expect(await attempt(secret)).toBe(401);
  expect(await attempt("configured")).toBe(101);
  const files = ["state.sqlite", "state.sqlite-wal"].map((file) =>
    readFileSync(join(engine.directory, file), "latin1"),
  );
  expect(files.join("")).toContain("mm_worker_accounts");
  expect(files.join("")).not.toContain(secret);
});

it("takes a worker that was added a moment ago at its first attempt, also by pb, and counts no wrong password", async () => {
  const sealingKey = randomBytes(32);
  const options = { ...open([]), sealingKey };
  const engine = await startEngine({ one: [shell({ command: "true" })] }, options);
  // As a command does that has only the database: no message reaches the engine.
  const add = (name: string) =>
    addWorkerAccount(engine.database, { name, maxBuilds: 1, properties: {}, sealingKey }, trail);
  const { secret } = await add("w2");
  expect(await attemptLogin(engine.port(), "w2", "wrong")).toBe(401);
  expect(await attemptLogin(engine.port(), "unknown", secret)).toBe(401);
  // It is no worker of a builder, so it is sent on, which only one is that is known.
  expect(await attemptLogin(engine.port(), "w2", secret)).toBe(503);
  const { secret: own } = await add("w1");
  const worker = await startBuildbotWorker({ port: engine.port(), name: "w1", password: own, protocol: "pb" });
  endAfterTest(() => worker.stop());
  await said(engine, "worker w1 is attached");
  expect(engine.said.filter((line) => line.startsWith('Worker "w1"'))).toEqual([]);
});
