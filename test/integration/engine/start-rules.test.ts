import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { BuildersSliceInput, PendingRequestFacts } from "@multimaster/config";
import { Results } from "@multimaster/core";
import { buildrequests, builds, explainRequests, workers as workerRows } from "@multimaster/data";
import { queryRows } from "@multimaster/database";
import { defineStep } from "@multimaster/plugins";
import shell from "@multimaster/plugins/steps/shell";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { type Engine, startEngine } from "../../harness/engine.ts";
import { temporaryDirectory } from "../../harness/temporary-directory.ts";
import { engines, newDatabaseUrl } from "../../harness/test-databases.ts";
import { waitFor } from "../../harness/wait-for.ts";

type Options = Partial<BuildersSliceInput["builders"][number]>;

const quick = () => [shell({ command: "true" })];
const sentencesOf = async (engine: Engine, id: number) =>
  ((await explainRequests(engine.database, [id])).get(id) ?? []).map(({ sentence }) => sentence);
const waitsBecause = (engine: Engine, id: number, part: string) =>
  waitFor(async () => (await sentencesOf(engine, id)).some((sentence) => sentence.includes(part)), {
    what: `the reason "${part}"`,
  });
const refusalsOf = (engine: Engine) => queryRows(engine.database, "select * from mm_start_refusals");
const pause = (engine: Engine, paused: boolean) => engine.data.updates.workers.setPaused(1, paused, null);

/** Submits requests while the worker is paused, and returns them in the order in which their builds began. */
async function orderOf(engine: Engine, submit: () => Promise<number[]>): Promise<number[]> {
  await pause(engine, true);
  const stopped = await engine.submit("a");
  await waitsBecause(engine, stopped, "paused");
  const ids = await submit();
  await engine.data.updates.buildrequests.cancel(stopped, "only to see the pause");
  await pause(engine, false);
  for (const id of ids) await engine.finished(id);
  const { rows } = await engine.data.find(builds, { order: ["buildid"] });
  return rows.map(({ buildrequestid }) => buildrequestid).filter((id) => ids.includes(id));
}

const one = { workers: [{ name: "w1", local: true }] };

describe.each(engines)("the order of requests on %s", (database) => {
  const start = async (builders: string[], more: Options, workers: object = one) =>
    startEngine(Object.fromEntries(builders.map((name) => [name, quick()])), {
      workers: workers as never,
      more,
      url: await newDatabaseUrl(database),
    });

  it("is newest first among those of the highest priority, if the builder says so", async () => {
    const engine = await start(["a"], { order: "newest first" });
    let ids: number[] = [];
    const order = await orderOf(engine, async () => {
      for (const priority of [0, 5, 0, 5]) ids = [...ids, await engine.submit("a", { priority })];
      return ids;
    });
    expect(order).toEqual([ids[3], ids[1], ids[2], ids[0]]);
  });

  it("is what the builder's function returns, and what it leaves out comes last", async () => {
    const byReason = (requests: readonly PendingRequestFacts[]) =>
      requests
        .filter(({ reason }) => reason !== "z")
        .toSorted((a, b) => String(b.properties["rank"]).localeCompare(String(a.properties["rank"])));
    const engine = await start(["a"], { order: byReason });
    const ids: number[] = [];
    const order = await orderOf(engine, async () => {
      for (const [reason, rank] of [
        ["z", "9"],
        ["x", "1"],
        ["x", "2"],
      ] as const)
        ids.push(await engine.submit("a", { reason, properties: { rank: [rank, "test"] } }));
      return ids;
    });
    expect(order).toEqual([ids[2], ids[1], ids[0]]);
  });

  it("gives a worker to the builder that was not built for longest", async () => {
    const workers = { ...one, builderOrder: "longest unbuilt first" };
    const engine = await start(["a", "b", "c"], {}, workers);
    const ids: number[] = [];
    const order = await orderOf(engine, async () => {
      for (const name of ["a", "a", "b", "b", "c"]) ids.push(await engine.submit(name));
      return ids;
    });
    expect(order.slice(0, 3).sort()).toEqual([ids[0], ids[2], ids[4]].sort());
  });

  it("is by a function of the builders", async () => {
    const workers = {
      ...one,
      builderOrder: (all: { name: string }[]) => all.toReversed().filter(({ name }) => name !== "b"),
    };
    const engine = await start(["a", "b", "c"], {}, workers);
    const ids: number[] = [];
    const order = await orderOf(engine, async () => {
      for (const name of ["a", "b", "c", "a"]) ids.push(await engine.submit(name));
      return ids;
    });
    expect(order).toEqual([ids[2], ids[0], ids[3], ids[1]]);
  });
});

describe("canStart", () => {
  it("keeps a request pending with its reason, asks again, and may ask the worker by a command", async () => {
    const open = join(temporaryDirectory("open"), "open");
    const engine = await startEngine(
      { a: quick(), free: quick() },
      {
        workers: one,
        more: {
          async canStart(request, worker) {
            if (request.builder === "free") return true;
            const { code, output } = await worker.probe(`echo asked ${worker.name}; test -e ${open}`);
            if (output !== "asked w1\n") return `the probe answered ${output}`;
            return code === 0 || { refused: "the disk is full.", askAgainIn: "1s" };
          },
        },
      },
    );
    const id = await engine.submit("a");
    const name = engine.lease.name;
    await waitsBecause(
      engine,
      id,
      `"canStart" of the config of ${name} refuses w1: the disk is full; it is asked again at`,
    );
    // It holds back no other builder.
    const [free] = await engine.finished(await engine.submit("free"));
    expect(free?.results).toBe(Results.SUCCESS);
    // One that is not tried yet says what keeps those before it.
    expect((await engine.data.get(buildrequests, id))?.claimed).toBe(false);
    writeFileSync(open, "");
    const [build] = await engine.finished(id);
    expect(build?.results).toBe(Results.SUCCESS);
    await waitFor(async () => (await refusalsOf(engine)).length === 0, {
      what: "the refusal to be taken out",
    });
  });

  it("is looked past: a request that is refused holds back no other of its builder", async () => {
    const engine = await startEngine(
      { a: quick() },
      { workers: one, more: { canStart: ({ reason }) => reason === "good" || "only good ones" } },
    );
    const refused = await Promise.all(Array.from({ length: 25 }, () => engine.submit("a")));
    const good = await engine.submit("a", { reason: "good" });
    expect((await engine.finished(good))[0]?.results).toBe(Results.SUCCESS);
    for (const id of [refused[0], refused[24]]) await waitsBecause(engine, id as number, "only good ones");
  });

  it.each([
    ["throws", (): Promise<never> => Promise.reject(new Error("boom")), "the function failed: boom"],
    ["throws a secret", (): Promise<never> => Promise.reject(new Error("swordfish!")), "the function failed: <token>!"],
    ["refuses with a secret", (): string => "swordfish!", "refuses w1: <token>!"],
    ["returns nonsense", (): never => 7 as never, "the function failed: it returned 7"],
    [
      "blocks",
      (): never => {
        for (;;);
      },
      "it blocked its master for 1000 ms",
    ],
  ] as const)("that %s makes its requests wait, and no others", async (_what, canStart, why) => {
    const engine = await startEngine(
      { a: quick(), free: quick() },
      {
        workers: one,
        secrets: { token: "swordfish" },
        more: { canStart: (request: PendingRequestFacts) => request.builder === "free" || canStart() },
      },
    );
    const id = await engine.submit("a");
    await waitsBecause(engine, id, why);
    expect((await engine.finished(await engine.submit("free")))[0]?.results).toBe(Results.SUCCESS);
    const failed = engine.said.filter((text) => text.includes('"canStart" of builder "a" failed'));
    expect(failed).toHaveLength(why.startsWith("refuses") ? 0 : 1);
    expect(JSON.stringify([engine.said, await refusalsOf(engine)])).not.toContain("swordfish");
    // The master works: what fails is the config's.
    expect(engine.services.ready()).toBe(true);
  });
});

describe("where a request starts", () => {
  const two = { workers: ["w1", "w2"].map((name) => ({ name, local: true, properties: { fast: name === "w2" } })) };
  const workerOf = async (engine: Engine, id: number) => {
    const [build] = await engine.finished(id);
    return (await engine.properties(build?.buildid ?? 0))["workername"]?.[0];
  };

  it("is chosen by nextWorker among the free workers", async () => {
    const engine = await startEngine(
      { a: quick() },
      {
        workers: two,
        more: {
          workers: ["w1", "w2"],
          nextWorker: (workers, { reason }) =>
            reason === "none" ? undefined : workers.find(({ properties }) => properties["fast"])?.name,
        },
      },
    );
    await waitFor(
      async () => (await engine.data.find(workerRows, {})).rows.every(({ connected_to }) => connected_to.length > 0),
      {
        what: "both workers",
      },
    );
    expect(await workerOf(engine, await engine.submit("a"))).toBe("w2");
    expect(await workerOf(engine, await engine.submit("a"))).toBe("w2");
    await waitsBecause(engine, await engine.submit("a", { reason: "none" }), "it chose none of the free workers");
  });

  it("is where the worker accepts it and is within its hours", async () => {
    const day = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"][(new Date().getUTCDay() + 3) % 7] as string;
    const workers = [
      {
        name: "w1",
        local: true,
        accepts: (request: PendingRequestFacts) => request.priority > 3 || "only urgent ones",
      },
      { name: "w2", local: true, hours: { open: [day] } },
    ];
    const engine = await startEngine({ a: quick() }, { workers: { workers }, more: { workers: ["w1", "w2"] } });
    const low = await engine.submit("a");
    await waitsBecause(engine, low, '"accepts" of the config');
    await waitsBecause(engine, low, "w2 is outside its hours until");
    expect(await workerOf(engine, await engine.submit("a", { priority: 4 }))).toBe("w1");
  });

  it("has room for its weight, and a heavy request is not overtaken by lighter ones", async () => {
    const gate = join(temporaryDirectory("gate"), "gate");
    const engine = await startEngine(
      { a: [shell({ command: `while ! test -e ${gate}; do sleep 0.02; done` })], light: quick(), heavy: quick() },
      {
        workers: { workers: [{ name: "w1", local: true, maxBuilds: 4, capacity: 3 }] },
        moreOf: { a: { weight: 2 }, heavy: { weight: 3 } },
      },
    );
    const name = engine.lease.name;
    const first = await engine.submit("a");
    await waitFor(async () => (await engine.running()) === 1, { what: "the first build" });
    expect((await engine.finished(await engine.submit("light")))[0]?.results).toBe(Results.SUCCESS);
    const heavy = await engine.submit("heavy");
    await waitsBecause(
      engine,
      heavy,
      `w1 runs a #1 on ${name}, which takes 2 of its capacity of 3; this builder needs 3.`,
    );
    await waitFor(async () => (await refusalsOf(engine)).length === 1, {
      what: "the worker to be kept",
    });
    const light = await engine.submit("light");
    await waitsBecause(engine, light, `w1 keeps its free capacity on ${name} for build request ${heavy}`);
    writeFileSync(gate, "");
    for (const id of [first, heavy, light]) expect((await engine.finished(id))[0]?.results).toBe(Results.SUCCESS);
    const [heavyBuild] = await engine.finished(heavy);
    const [lightBuild] = await engine.finished(light);
    expect(heavyBuild?.buildid).toBeLessThan(lightBuild?.buildid ?? 0);
  });
});

describe("retry rules", () => {
  const failing = (state: () => boolean) =>
    defineStep({
      type: "flaky",
      options: z.object({ name: z.string().default("flaky") }),
      async run() {
        if (state()) return Results.SUCCESS;
        throw new Error("the board does not answer");
      },
    })({});

  it.each(engines)(
    "are not needed by a step that asks for it, which is run again later each time (%s)",
    async (database) => {
      let runs = 0;
      const asks = defineStep({
        type: "asks",
        options: z.object({}),
        run: async () => ((runs += 1) < 3 ? Results.RETRY : Results.SUCCESS),
      });
      const engine = await startEngine({ a: [asks({})] }, { workers: one, url: await newDatabaseUrl(database) });
      const id = await engine.submit("a");
      await waitsBecause(engine, id, 'its last build ended with "');
      const ended = await engine.finished(id);
      expect(ended.map(({ results }) => results)).toEqual([Results.RETRY, Results.RETRY, Results.SUCCESS]);
      const waited =
        "select retries, retry_at - (select complete_at from builds where number = 2) as waited from mm_request_retries";
      const [row] = await queryRows<{ retries: number; waited: number }>(engine.database, waited);
      expect(row?.retries).toBe(0);
      // After the second build twice as long as after the first; the row says it to the millisecond, the build to the second.
      expect(Math.floor(row?.waited as number)).toBeGreaterThanOrEqual(2);
    },
  );

  it.each(engines)("run a request again, after a while and not for ever (%s)", async (database) => {
    let works = false;
    const engine = await startEngine(
      { a: [failing(() => works)] },
      {
        workers: one,
        url: await newDatabaseUrl(database),
        more: { retry: [{ on: ["exception"], times: 1, delay: "1s" }] },
      },
    );
    const id = await engine.submit("a");
    await waitsBecause(engine, id, 'its last build ended with "exception');
    const ended = await engine.finished(id);
    expect(ended.map(({ results }) => results)).toEqual([Results.RETRY, Results.EXCEPTION]);
    expect(ended[0]?.state_string).toContain("(retry 1 of 1)");
    expect(ended[1]?.state_string).toContain(
      'this request was run again once, as often as "retry" of its builder allows',
    );
    works = true;
    const again = await engine.finished(await engine.submit("a"));
    expect(again.map(({ results }) => results)).toEqual([Results.SUCCESS]);
  });
});
