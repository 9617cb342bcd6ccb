import { createPublicKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createBus } from "@multimaster/bus";
import { silentLog } from "@multimaster/core";
import { beforeAll, describe, expect, it } from "vitest";
import { makeCertificate } from "../harness/certificate.ts";
import { startCluster, type TestCluster } from "../harness/cluster.ts";
import { startCrossbar } from "../harness/crossbar.ts";
import { hardenedRouterConfig, routerEnvironment, routerTickets } from "../harness/hardened-router.ts";
import { freePort } from "../harness/ports.ts";
import { runProcess } from "../harness/processes.ts";
import { temporaryDirectory } from "../harness/temporary-directory.ts";
import { waitFor } from "../harness/wait-for.ts";
import { joinRealm, type TestWampClient } from "../harness/wamp-client.ts";
import { componentDirectory } from "../setup.mjs";

const tail = (key: KeyObject, type: "pkcs8" | "spki") =>
  key
    .export({ format: "der", type: type as never })
    .subarray(-32)
    .toString("hex");
const { privateKey } = generateKeyPairSync("ed25519");
const publicKey = tail(createPublicKey(privateKey), "spki");
const finished = "select results from builds where complete_at is not null";

let cluster: TestCluster;
let url: string;
let realm: string;
beforeAll(async () => {
  cluster = await startCluster({
    config: "test/cluster/configs/ledger/cluster.ts",
    router: { hardened: { keys: { "engine-1": publicKey } } },
    env: { POLL: "no" },
  });
  ({ url, realm } = cluster.crossbar);
});

const login = (authid: keyof typeof routerTickets) => ({ authid, ticket: routerTickets[authid] });
const refusal = async (client: TestWampClient, message: unknown[]) => (await client.ask(message))[4];
const denied = "wamp.error.not_authorized";

it("masters log in by ticket and by key, work together, and an observer hears of it", async () => {
  const observer = await joinRealm(url, { realm, login: login("observer") });
  for (const [i, topic] of ["buildrequests.", "builders."].entries())
    await observer.ask([32, i + 1, { match: "prefix" }, `org.buildbot.mq.${topic}`]);
  // Each of the two as what it is: neither needs what an engine may.
  const ticketOf = (role: "ui" | "scheduler") => ({ WAMP_AUTHID: role, WAMP_TICKET: routerTickets[role] });
  const scheduler = await cluster.master({ roles: ["scheduler"], name: "scheduler", env: ticketOf("scheduler") });
  const front = await cluster.master({ roles: ["ui"], name: "front", env: ticketOf("ui") });
  await Promise.all([front.waitReady(), scheduler.waitReady()]);
  const engine = await cluster.master({
    roles: ["builder-engine"],
    name: "engine-1",
    env: { WAMP_TICKET: undefined, WAMP_AUTHID: "engine-1", WAMP_PRIVATE_KEY: tail(privateKey, "pkcs8") },
  });
  await cluster.ownWorkers(engine, front, ["w1"]);
  expect(await (await front.fetch("health")).json()).toMatchObject({ bus: { kind: "wamp", state: "connected" } });
  await front.apiPost("forceschedulers/force", "force", { builderNames: ["job"], reason: "test" });
  await waitFor(async () => (await cluster.rows(finished)).length === 1, { what: "the build" });

  const topics = () =>
    observer.received.filter(([code]) => code === 36).map((event) => (event[3] as { topic: string }).topic);
  const heard = async (topic: string) => waitFor(() => topics().includes(topic), { what: `an event on ${topic}` });
  // What the two wrote: the one its requests, the other its builds.
  await heard("org.buildbot.mq.buildrequests.1.new");
  await waitFor(() => topics().find((topic) => /^org\.buildbot\.mq\.builders\.\d+\.builds\.1\.finished$/.test(topic)), {
    what: "the end of the build",
  });
  observer.close();
});

it("a master whose ticket is wrong says so, and works without the router", async () => {
  const lonely = await cluster.master({ roles: ["ui"], name: "lonely", env: { WAMP_TICKET: "wrong" } });
  await lonely.waitReady();
  expect(lonely.log()).toContain("ticket in static WAMP-Ticket authentication is invalid");
  expect(lonely.log()).not.toContain('wrong"');
  expect(await (await lonely.fetch("health")).json()).toMatchObject({ status: "degraded" });
  await lonely.stop();
});

describe("others may do little or nothing", () => {
  it("no client is admitted without a login, with another's name, or from a browser's page", async () => {
    await expect(joinRealm(url, { realm })).rejects.toThrow("wamp.error.no_auth_method");
    await expect(joinRealm(url, { realm, login: { authid: "engine-1", ticket: "any" } })).rejects.toThrow("refused");
    await expect(joinRealm(url, { realm, login: login("master"), origin: "https://example.org" })).rejects.toThrow(
      "40",
    );
  });

  it("an observer cannot publish, call or register", async () => {
    const observer = await joinRealm(url, { realm, login: login("observer") });
    const topic = "org.buildbot.mq.control.builds.1.stop";
    expect(await refusal(observer, [16, 1, { acknowledge: true }, topic, [{ reason: "no" }]])).toBe(denied);
    expect(await refusal(observer, [48, 2, {}, "org.buildbot.mq.anything"])).toBe(denied);
    expect(await refusal(observer, [48, 3, {}, "wamp.session.list"])).toBe(denied);
    expect(await refusal(observer, [64, 4, {}, "org.buildbot.mq.anything"])).toBe(denied);
    observer.close();
  });

  it("each role publishes what is its own: a ui or a scheduler nothing of what only an engine knows", async () => {
    const topics = {
      "changes.1.new": ["master", "ui", "scheduler"],
      "control.builds.1.stop": ["master", "engine", "ui"],
      "builds.1.new": ["master", "engine"],
      "builds.1.update": ["master", "engine"],
      "builds.1.properties.update": ["master", "engine"],
      "builds.1.steps.1.started": ["master", "engine"],
      "steps.1.started": ["master", "engine"],
      "logs.1.append": ["master", "engine"],
      // Of an engine that died, by the master that notices.
      "builds.1.finished": ["master", "engine", "ui", "scheduler"],
      "buildrequests.1.unclaimed": ["master", "engine", "ui", "scheduler"],
    };
    const found: Record<string, string[]> = Object.fromEntries(Object.keys(topics).map((topic) => [topic, []]));
    for (const authid of Object.keys(routerTickets) as (keyof typeof routerTickets)[]) {
      const client = await joinRealm(url, { realm, login: login(authid) });
      for (const [i, topic] of Object.keys(topics).entries()) {
        const answer = await client.ask([16, i + 1, { acknowledge: true }, `org.buildbot.mq.${topic}`, [{}]]);
        if (answer[0] === 17) found[topic]?.push(authid);
      }
      client.close();
    }
    expect(found).toEqual(topics);
  });

  it("an observer hears of builds, and nothing of properties, logs or what people ask of masters", async () => {
    const observer = await joinRealm(url, { realm, login: login("observer") });
    const topics = [
      "builds.1.finished",
      "builders.1.started",
      "builds.1.new",
      "builds.1.properties.update",
      "logs.1.append",
      "control.builds.1.stop",
      "leases.1.session",
    ];
    const answers = [];
    for (const [i, topic] of topics.entries())
      answers.push((await observer.ask([32, i + 1, {}, `org.buildbot.mq.${topic}`]))[0] === 33);
    expect(answers).toEqual([true, true, false, false, false, false, false]);
    observer.close();
  });

  it("an observer hears no more by asking for many topics at once", async () => {
    const engine = await joinRealm(url, { realm, login: login("engine") });
    const patterns = [
      ["prefix", "builds."],
      ["prefix", "builds.1"],
      ["prefix", "builds.1.properties."],
      ["prefix", "builders."],
      ["wildcard", "builds..properties.update"],
      ["wildcard", "builds...update"],
      ["wildcard", "builds..."],
      ["wildcard", "builds..finished"],
      ["wildcard", "....update"],
    ];
    const observer = await joinRealm(url, { realm, login: login("observer") });
    for (const [i, [match, topic]] of patterns.entries())
      await observer.ask([32, i + 1, { match }, `org.buildbot.mq.${topic}`]);
    const told = ["builds.1.properties.update", "builds.1.steps.1.started", "logs.1.append"];
    for (const topic of [...told, "builders.1.builds.1.update"])
      await engine.ask([16, 1, { acknowledge: true }, `org.buildbot.mq.${topic}`, [{}]]);
    const topics = () => observer.events().map(({ topic }) => topic);
    const last = "org.buildbot.mq.builders.1.builds.1.update";
    await waitFor(() => topics().includes(last), { what: "the last of them" });
    expect(new Set(topics())).toEqual(new Set([last]));
    for (const client of [engine, observer]) client.close();
  });

  it("a master's login is good for the masters' topics only", async () => {
    const master = await joinRealm(url, { realm, login: login("master") });
    expect(await refusal(master, [16, 1, { acknowledge: true }, "org.example.topic"])).toBe(denied);
    expect(await refusal(master, [32, 2, {}, "wamp.session.on_join"])).toBe(denied);
    expect(await master.ask([32, 6, {}, "wamp.session.on_leave"])).toMatchObject({ 0: 33 });
    expect(await refusal(master, [48, 7, {}, "wamp.session.kill", [1]])).toBe(denied);
    expect(await refusal(master, [32, 3, { match: "prefix" }, ""])).toBeDefined();
    expect(await refusal(master, [48, 4, {}, "wamp.session.list"])).toBe(denied);
    expect(await refusal(master, [64, 5, {}, "org.buildbot.mq.anything"])).toBe(denied);
    master.close();
  });
});

it("with TLS, only clients that trust its certificate talk to the router", async () => {
  const { key, certificate } = makeCertificate();
  const router = await startCrossbar({ hardened: { tls: { key, certificate } } });
  const connect = async (ca?: string) => {
    const auth = login("master");
    const why: unknown[] = [];
    const log = Object.assign(silentLog.child({}), { warn: (fields: { reason: string }) => why.push(fields.reason) });
    const bus = createBus({ kind: "wamp", router: router.url, realm, auth, ...(ca ? { ca } : {}) }, log);
    await bus.start();
    return { bus, why };
  };
  const trusting = await connect(readFileSync(certificate, "utf8"));
  await waitFor(() => trusting.bus.state === "connected" || trusting.why.length > 3, { what: "the trusting master" });
  expect(trusting).toMatchObject({ bus: { state: "connected" }, why: [] });
  const distrusting = await connect();
  await waitFor(() => distrusting.why.length > 0, { what: "the distrusting master to say why" });
  expect([distrusting.bus.state, distrusting.why[0]]).toEqual(["degraded", expect.stringMatching(/certificate/)]);
  await trusting.bus.stop();
  await distrusting.bus.stop();
});

it("crossbar's own check approves of the config as it is in the repository", async () => {
  const directory = temporaryDirectory("crossbar-check");
  mkdirSync(directory, { recursive: true });
  const adapted = hardenedRouterConfig({ realm: "buildbot", port: await freePort() });
  for (const text of [
    readFileSync(new URL("../../configs/deploy/crossbar/config.yaml", import.meta.url), "utf8"),
    adapted,
  ]) {
    writeFileSync(join(directory, "config.yaml"), text);
    const { stdout, stderr } = await runProcess({
      name: "crossbar check",
      command: join(componentDirectory("crossbar"), "bin", "crossbar"),
      args: ["check", "--cbdir", directory],
      env: { CROSSBAR_DIR: undefined, ...routerEnvironment },
    });
    expect(stdout + stderr).toContain("node configuration looks good");
  }
});
