import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { CollapseOption } from "@multimaster/config";
import { Results } from "@multimaster/core";
import { buildrequests, changes, equals, explainRequests } from "@multimaster/data";
import { execute } from "@multimaster/database";
import shell from "@multimaster/plugins/steps/shell";
import { describe, expect, it } from "vitest";
import { type Engine, startEngine } from "../../harness/engine.ts";
import { stamp } from "../../harness/masters-with-data.ts";
import { temporaryDirectory } from "../../harness/temporary-directory.ts";
import { waitFor } from "../../harness/wait-for.ts";

/** An engine whose only worker is busy with a build until `open` is called. */
async function startBusy(collapseRequests: CollapseOption) {
  const directory = temporaryDirectory("gate");
  const [gate, begun] = [join(directory, "gate"), join(directory, "begun")];
  const command = `touch ${begun}; while ! test -e ${gate}; do sleep 0.02; done`;
  const engine = await startEngine(
    { busy: [shell({ command })], a: [shell({ command: "true" })] },
    { workers: { workers: [{ name: "w1", local: true, maxBuilds: 1 }] }, more: { collapseRequests } },
  );
  await execute(engine.database, "update mm_data_version set version = 2");
  const first = await engine.submit("busy");
  await waitFor(() => existsSync(begun), { what: "the first build" });
  return {
    engine,
    first,
    open: () => writeFileSync(gate, ""),
    async push(revision: string, more: Parameters<Engine["submit"]>[1] = {}) {
      const { changeid } = await engine.data.updates.changes.add({ author: "ann", comments: "", ...stamp, revision });
      const id = await engine.submit("a", { sourceStamps: [{ ...stamp, revision }], ...more });
      return { id, changeid };
    },
    async resultsOf(ids: readonly number[]) {
      const { rows } = await engine.data.find(buildrequests, { filters: [equals("buildrequestid", ...ids)] });
      return ids.map((id) => rows.find(({ buildrequestid }) => buildrequestid === id)?.results);
    },
  };
}

describe("requests that wait for a busy worker", () => {
  it("collapse into the newest one, whose build has the changes of all", async () => {
    const { engine, open, push, resultsOf } = await startBusy(true);
    const [one, two] = [await push("r1"), await push("r2")];
    await waitFor(async () => (await resultsOf([one.id]))[0] === Results.SKIPPED, { what: "the first to collapse" });
    // With a patch of a user, or of another branch, nothing collapses.
    const other = await engine.submit("a", { sourceStamps: [{ ...stamp, branch: "other" }] });
    const three = await push("r3");
    await waitFor(async () => (await resultsOf([two.id]))[0] === Results.SKIPPED, { what: "the second to collapse" });
    open();
    const [build] = await engine.finished(three.id);
    await engine.finished(other);
    expect(await resultsOf([one.id, two.id, three.id, other])).toEqual([3, 3, 0, 0]);
    const ofBuild = await engine.data.rest.get(["builds", String(build?.buildid), "changes"], new URLSearchParams());
    expect(ofBuild).toMatchObject({ items: [one, two, three].map(({ changeid }) => ({ changeid })) });
    const { got } = { got: (await engine.properties(build?.buildid ?? 0))["revision"] };
    expect(got).toEqual(["r3", "Build"]);
    expect((await engine.data.find(changes, {})).total).toBe(3);
  });

  it("do not collapse where the builder says no", async () => {
    const { engine, open, push, resultsOf } = await startBusy(false);
    const [one, two] = [await push("r1"), await push("r2")];
    open();
    for (const { id } of [one, two]) await engine.finished(id);
    expect(await resultsOf([one.id, two.id])).toEqual([0, 0]);
  });

  it("collapse by a function, which keeps a property of either", async () => {
    const { engine, open, push, resultsOf } = await startBusy(({ newer, older, isCompatible }) => {
      if (!isCompatible || older.reason === "alone") return false;
      return { properties: { clean: Boolean(newer.properties["clean"]) || Boolean(older.properties["clean"]) } };
    });
    const alone = await push("r0", { reason: "alone" });
    const one = await push("r1", { properties: { clean: [true, "Force"] } });
    const two = await push("r2");
    await waitFor(async () => (await resultsOf([one.id]))[0] === Results.SKIPPED, { what: "the first to collapse" });
    const three = await push("r3");
    await waitFor(async () => (await resultsOf([two.id]))[0] === Results.SKIPPED, { what: "the second to collapse" });
    open();
    const [build] = await engine.finished(three.id);
    await engine.finished(alone.id);
    expect(await resultsOf([alone.id, one.id, two.id, three.id])).toEqual([0, 3, 3, 0]);
    expect((await engine.properties(build?.buildid ?? 0))["clean"]).toEqual([true, "Collapse"]);
  });

  it("get no property of one that does not collapse after all", async () => {
    let isTaken = false;
    const { engine, open, push, resultsOf } = await startBusy(async ({ newer, older }) => {
      if (newer.reason !== "three") return false;
      if (older.reason === "taken") {
        // Another engine claims it while the function answers.
        isTaken = true;
        await engine.data.updates.buildrequests.claim([older.buildrequestid]);
      }
      return { properties: { reasons: `${newer.properties["reasons"] ?? ""}${older.reason}` } };
    });
    const one = await push("r1", { reason: "one" });
    const taken = await push("r2", { reason: "taken" });
    const three = await push("r3", { reason: "three" });
    await waitFor(async () => (await resultsOf([one.id]))[0] === Results.SKIPPED, { what: "the first to collapse" });
    expect(isTaken).toBe(true);
    expect(await resultsOf([taken.id, three.id])).toEqual([-1, -1]);
    const { properties } = (await engine.data.updates.buildrequests.details(three.id)) ?? {};
    expect(properties?.["reasons"]).toEqual(["one", "Collapse"]);
    open();
  });

  it("are built one by one if the function fails, which is logged and shown", async () => {
    const { engine, open, push, resultsOf } = await startBusy(() => {
      throw new Error("no such thing");
    });
    const [one, two] = [await push("r1"), await push("r2")];
    const sentence = /^Requests of a do not collapse: the function "collapseRequests" failed .*no such thing/;
    const reasons = async () => (await explainRequests(engine.database, [one.id])).get(one.id) ?? [];
    await waitFor(async () => (await reasons()).some(({ kind }) => kind === "not_collapsed"), { what: "the reason" });
    expect((await reasons()).find(({ kind }) => kind === "not_collapsed")?.sentence).toMatch(sentence);
    expect(engine.said.filter((said) => said.includes('"collapseRequests" failed'))).toHaveLength(1);
    open();
    for (const { id } of [one, two]) await engine.finished(id);
    expect(await resultsOf([one.id, two.id])).toEqual([0, 0]);
  });

  it("of other builders go on while a function does not answer", async () => {
    const { engine, first, open, push } = await startBusy(({ newer }) =>
      newer.builder === "a" ? new Promise<boolean>(() => {}) : true,
    );
    await push("r1");
    await push("r2");
    const other = [await engine.submit("busy"), await engine.submit("busy")];
    open();
    await engine.finished(first);
    await engine.finished(other[1] as number);
  });
});
