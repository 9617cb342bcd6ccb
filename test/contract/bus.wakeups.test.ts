import { type Bus, createBus, type WampBusOptions } from "@multimaster/bus";
import { silentLog } from "@multimaster/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startCrossbar, type TestCrossbar } from "../harness/crossbar.ts";
import { freePort } from "../harness/ports.ts";
import { sharedPostgres, type TestPostgres } from "../harness/postgres.ts";
import { waitFor } from "../harness/wait-for.ts";
import { listen } from "./bus-inbox.ts";

/** The connections for wake-ups to this test's database. */
const ours =
  "select pid from pg_stat_activity where application_name = 'multimaster wake-ups' and datname = current_database()";

/** What a bus over a router promises beside the contract of every bus, when PostgreSQL stands in for the router. */
describe("wake-ups through PostgreSQL", () => {
  let postgres: TestPostgres;
  let url: string;
  let crossbar: TestCrossbar;
  let options: WampBusOptions;
  let here: Bus;
  let there: Bus;

  beforeAll(async () => {
    postgres = await sharedPostgres();
    url = await postgres.createDatabase();
    crossbar = await startCrossbar();
    options = {
      kind: "wamp",
      router: crossbar.url,
      realm: crossbar.realm,
      pingMs: 500,
      notify: { url, pingMs: 500 },
    };
    [here, there] = [createBus(options, silentLog), createBus(options, silentLog)];
    await Promise.all([here.start(), there.start()]);
    await waitFor(() => here.state === "connected" && there.state === "connected", {
      what: "the buses to be connected",
    });
  });

  afterAll(async () => {
    await here?.stop();
    await there?.stop();
  });

  const degraded = () =>
    waitFor(() => here.state === "degraded" && there.state === "degraded", {
      what: "the loss to be noticed",
      timeoutMs: 60_000,
    });
  const listening = () =>
    waitFor(() => here.wakeups?.isListening && there.wakeups?.isListening, { what: "both buses to listen" });

  it("are not sent while the router carries messages", async () => {
    await listening();
    const inbox = await listen(there, ["quiet", null]);
    for (let n = 1; n <= 50; n++) here.publish(["quiet", String(n)], { n });
    await inbox.count(50);
    expect(there.received).toEqual({ router: 50, notify: 0 });
  });

  it("reach one that alone has no router, and come from it", async () => {
    const lonely = createBus({ ...options, router: `ws://127.0.0.1:${await freePort()}/ws` }, silentLog);
    const [far, near] = [await listen(lonely, ["lonely", null]), await listen(here, ["lonely", null])];
    // It may have lost its router already, and the others not know it yet.
    here.publish(["lonely", "1"], { id: 1 });
    await lonely.start();
    expect(lonely.state).toBe("degraded");
    await far.count(1);
    here.publish(["lonely", "2"], { id: 2 });
    await far.count(2);
    lonely.publish(["lonely", "3"], { id: 3 });
    await near.count(3);
    const [one, two, three] = [1, 2, 3].map((id) => ({ truncated: true, id }));
    expect(far.payloads()).toEqual([one, two, { id: 3 }]);
    expect(near.payloads()).toEqual([{ id: 1 }, { id: 2 }, three]);
    await lonely.stop();
  });

  it("bring what a router that stands still has swallowed", async () => {
    // In a database where no one has asked for them yet.
    const other = { ...options, notify: { url: await postgres.createDatabase() } };
    const [one, two] = [createBus(other, silentLog), createBus(other, silentLog)];
    await Promise.all([one.start(), two.start()]);
    await waitFor(() => one.state === "connected" && two.state === "connected", { what: "the buses to be connected" });
    const inbox = await listen(two, ["swallowed", null]);
    crossbar.freeze();
    one.publish(["swallowed", "1"], { id: 1 });
    await inbox.count(1);
    expect(inbox.payloads()).toEqual([{ truncated: true, id: 1 }]);
    expect(two.received.router).toBe(0);
    await Promise.all([one.stop(), two.stop()]);
  });

  describe("when the router is away", () => {
    beforeAll(async () => {
      await crossbar.kill();
      await degraded();
    });

    it("carry the topic and ids, and nothing that could be believed; the publisher's own subscribers get it all", async () => {
      const far = await listen(there, ["builds", null, "finished"]);
      const near = await listen(here, ["builds", null, "finished"]);
      here.publish(["builds", "7", "finished"], { buildid: 7, state_string: "build successful", complete: true });
      await far.count(1);
      // Comes after anything that the server might still return to the publisher.
      there.publish(["builds", "8", "finished"], {});
      await near.count(2);
      expect(far.messages[0]).toEqual({ key: ["builds", "7", "finished"], payload: { truncated: true, buildid: 7 } });
      expect(near.payloads()).toEqual([
        { buildid: 7, state_string: "build successful", complete: true },
        { truncated: true },
      ]);
    });

    it("leave out what counts only with what it says", async () => {
      const leases = await listen(there, ["leases", null, "doubt"]);
      const end = await listen(there, ["end"]);
      here.publish(["leases", "1-1", "doubt"], { life: "1-1" });
      here.publish(["end"], null);
      await end.count(1);
      expect(leases.messages).toEqual([]);
    });

    it("are one for any number of messages on a topic in quick succession", async () => {
      const far = await listen(there, ["logs", null, "append"]);
      const before = there.received.notify;
      for (let n = 1; n <= 30_000; n++) here.publish(["logs", String(n % 3), "append"], { n });
      await waitFor(() => new Set(far.messages.map(({ key }) => key[1])).size === 3, { what: "all three topics" });
      expect(far.payloads().at(-1)).toEqual({ truncated: true, n: 30_000 });
      expect(there.received.notify - before).toBe(3);
    });

    it("are dropped, oldest first, when there are more topics than a master keeps", async () => {
      const far = await listen(there, ["flood", null]);
      const before = here.wakeups?.dropped ?? 0;
      for (let n = 1; n <= 5_000; n++) here.publish(["flood", String(n)], { n });
      await waitFor(() => far.messages.at(-1)?.key[1] === "5000", { what: "the last one" });
      expect(far.messages).toHaveLength(2_000);
      expect((here.wakeups?.dropped ?? 0) - before).toBe(3_000);
    });

    it("flow again after the server has ended the connections", async () => {
      const far = await listen(there, ["again", null]);
      const sessions = async () => (await postgres.psql<{ pid: number }>(ours, url)).map(({ pid }) => pid);
      const before = await sessions();
      await postgres.psql(`select pg_terminate_backend(pid) from (${ours}) as mine`, url);
      await waitFor(async () => (await sessions()).filter((pid) => !before.includes(pid)).length === 2, {
        what: "new connections",
      });
      await listening();
      here.publish(["again", "1"], { id: 1 });
      await far.count(1);
    });

    it("are sent before a bus stops", async () => {
      const leaving = createBus(options, silentLog);
      await leaving.start();
      const far = await listen(there, ["leaving", null]);
      for (let n = 1; n <= 50; n++) leaving.publish(["leaving", String(n)], n);
      await leaving.stop();
      await far.count(50);
    });
  });
});
