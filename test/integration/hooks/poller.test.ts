import type { ChangeSourceDefinition } from "@multimaster/plugins";
import { defineChangeSource } from "@multimaster/plugins";
import poller from "@multimaster/plugins/hooks/poller";
import { beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { readChanges, startHookServer } from "../../harness/deliver-hook.ts";
import type { RestServer } from "../../harness/rest-server.ts";
import { type SchedulerCluster, startSchedulerCluster } from "../../harness/scheduler-masters.ts";
import { engines } from "../../harness/test-databases.ts";
import { waitFor } from "../../harness/wait-for.ts";

/** Never polls by itself; each requested poll finds a change. */
const onDemand = defineChangeSource({
  type: "on-demand",
  className: "OnDemand",
  options: z.object({ name: z.string() }),
  nameOf: ({ name }) => name,
  async start(ctx) {
    let looking = Promise.resolve();
    const look = async () => {
      await ctx.addChanges([{ author: ctx.name, comments: "looked" }], { name: "looks", value: 1 });
    };
    return {
      wake: () => void (looking = looking.then(look)),
      stop: () => looking,
    };
  },
} satisfies Omit<ChangeSourceDefinition<{ name: string }>, "kind">);

const sources = (...names: string[]) => ({ changeSources: names.map((name) => onDemand({ name })) });

const post = async (server: RestServer, query: string) => {
  const response = await fetch(new URL(`change_hook/poller${query}`, server.url), { method: "POST" });
  return { status: response.status, text: await response.text() };
};

describe.each(engines)("the hook poller on %s", (engine) => {
  let cluster: SchedulerCluster;
  let ui: RestServer;
  // The ui hears no message of these masters, nor they of its: what it asks for goes through the rows.
  beforeEach(async () => {
    cluster = await startSchedulerCluster(engine);
    ui = await startHookServer(cluster.database, { hooks: [poller({ anybody: true })] });
  });
  const looked = async () => (await readChanges(ui)).map(({ author }) => author).toSorted();

  it("has the named change sources look, once, whichever master has them", async () => {
    const masters = [await cluster.add(sources("a", "b", "c")), await cluster.add(sources("a", "b", "c"))];
    for (const master of masters) await master.start();
    await waitFor(async () => Object.keys(await cluster.holders()).length === 3, { what: "all claims" });
    expect(await post(ui, "?poller=a&poller=c")).toEqual({ status: 202, text: "no change found" });
    await waitFor(async () => (await looked()).length === 2, { what: "two looks" });
    expect(await post(ui, "")).toMatchObject({ status: 202 });
    await waitFor(async () => (await looked()).length === 5, { what: "three more looks" });
    expect(await looked()).toEqual(["a", "a", "b", "c", "c"]);
    expect(await cluster.rows("select * from mm_poll_requests")).toEqual([]);
  });

  it("is heard by the master that starts next when none runs", async () => {
    const first = await cluster.add(sources("a"));
    await first.start();
    await waitFor(async () => "a" in (await cluster.holders()), { what: "the claim" });
    await first.drain();
    expect(await post(ui, "?poller=a")).toMatchObject({ status: 202 });
    expect(await looked()).toEqual([]);
    const second = await cluster.add(sources("a"));
    await second.start();
    await waitFor(async () => (await looked()).length === 1, { what: "the look" });
  });

  it("does not know what is no change source, and says so", async () => {
    const master = await cluster.add(sources("a"));
    await master.start();
    expect(await post(ui, "?poller=a&poller=x")).toEqual({ status: 400, text: "There is no change source x.\n" });
    expect(await cluster.rows("select * from mm_poll_requests")).toEqual([]);
  });

  it("asks only for those that are allowed", async () => {
    const strict = await startHookServer(cluster.database, { hooks: [poller({ allowed: ["b"], anybody: true })] });
    const master = await cluster.add(sources("a", "b"));
    await master.start();
    expect(await post(strict, "?poller=a")).toEqual({ status: 400, text: "There is no change source a.\n" });
    expect((await post(strict, "")).status).toBe(202);
    await waitFor(async () => (await looked()).length === 1, { what: "the look" });
    expect(await looked()).toEqual(["b"]);
  });
});

describe("a request to poll", () => {
  it("is taken only by the master that has the change source", async () => {
    const cluster = await startSchedulerCluster("sqlite", { pollMs: 60_000 });
    const [one, two] = [await cluster.add(sources()), await cluster.add(sources())];
    const { changeSources } = one.data.updates;
    const id = (await changeSources.register(["a"])).get("a") as number;
    await changeSources.claim(id);
    await two.data.updates.changeSources.requestPolls([id]);
    await two.data.updates.changeSources.requestPolls([id]);
    expect(await two.data.updates.changeSources.takePollRequests([id])).toEqual([]);
    expect(await changeSources.takePollRequests([])).toEqual([]);
    expect(await changeSources.takePollRequests([id])).toEqual([id]);
    expect(await changeSources.takePollRequests([id])).toEqual([]);
  });

  it("takes effect immediately where messages flow", async () => {
    // Without the message the next poll of the rows would be in ten minutes.
    const cluster = await startSchedulerCluster("sqlite", { pollMs: 600_000 });
    const master = await cluster.add(sources("a"));
    await master.start();
    await waitFor(async () => "a" in (await cluster.holders()), { what: "the claim" });
    const [source] = await cluster.rows<{ id: number }>("select id from changesources");
    const count = async () => (await cluster.rows("select * from changes")).length;
    await waitFor(
      async () => {
        // Requested again while it is still starting: that poll of the rows skips it.
        await cluster.data.updates.changeSources.requestPolls([source?.id as number]);
        return (await count()) > 0;
      },
      { what: "the look" },
    );
  });
});
