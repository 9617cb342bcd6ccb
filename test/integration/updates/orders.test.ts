import { setState } from "@multimaster/cluster";
import { Results } from "@multimaster/core";
import { findItems, orders } from "@multimaster/data";
import { execute } from "@multimaster/database";
import { beforeEach, describe, expect, it } from "vitest";
import {
  buildsetFor,
  type Member,
  runningBuild,
  startMasters,
  type TestMasters,
} from "../../harness/masters-with-data.ts";
import { engines } from "../../harness/test-databases.ts";

const facts = { reason: "upgrade", orderedBy: "somebody", deadline: null, role: null };
const configuration = (name: string) => ({ name, description: null, tags: [], project: null, workers: ["w1"] });

describe.each(engines)("orders to masters on %s", (engine) => {
  let masters: TestMasters;
  let one: Member;
  let two: Member;
  beforeEach(async () => {
    masters = await startMasters(engine);
    one = await masters.join();
    two = await masters.join();
  });

  it("each state of a master is published, so that no one keeps seeing it drain", async () => {
    await masters.takeTopics();
    for (const state of ["draining", "running"] as const) {
      await one.updates.masters.setState(state);
      expect(await masters.value("select state from mm_leases where masterid = ?", [one.lease.masterid])).toBe(state);
      expect(await masters.takeTopics()).toEqual([`members.${one.lease.masterid}.update`]);
    }
  });

  it("a drain that is ordered twice is one, with the latest deadline; its master alone sees it open", async () => {
    const { masterid } = one.lease;
    const first = await two.updates.orders.drain({ ...facts, masterid });
    expect(first).toMatchObject({ masterid, kind: "drain", role: null, state: "ordered", deadline_at: null });
    const second = await two.updates.orders.drain({ ...facts, masterid, deadline: 60 });
    expect(second.orderid).toBe(first.orderid);
    expect(second.deadline_at).toBeGreaterThan(second.ordered_at);
    const [open, ...others] = await one.updates.orders.open();
    expect(open).toMatchObject({ orderid: first.orderid, undone: false });
    expect(open?.deadlineIn).toBeGreaterThan(50);
    expect(others).toEqual([]);
    expect(await two.updates.orders.open()).toEqual([]);
    expect(await masters.takeTopics(/^(orders|control)/)).toEqual([
      `orders.${first.orderid}.new`,
      `control.masters.${masterid}.order`,
      `orders.${first.orderid}.new`,
      `control.masters.${masterid}.order`,
    ]);
  });

  it("a new config is ordered of a master that knows such orders, and never of one that would drain", async () => {
    const { masterid } = one.lease;
    const order = { masterid, reason: "new builders", orderedBy: "somebody", dryRun: true };
    await expect(two.updates.orders.reconfig(order)).rejects.toThrow("runs a release that cannot load a new config");
    await one.updates.masters.noteConfig("1".repeat(64));
    const { orderid, ...placed } = await two.updates.orders.reconfig(order);
    expect(placed).toMatchObject({ kind: "reconfig", role: null, state: "ordered", dry_run: true, changes: null });
    expect(await one.updates.orders.open()).toMatchObject([{ orderid, kind: "reconfig", dryRun: true }]);
    const changes = [{ change: "added", kind: "builder", name: "lint", by_code: false }];
    await one.updates.orders.noteReconfig(orderid, { changes: JSON.stringify(changes), before: "1", after: "2" });
    await one.updates.orders.end(orderid, "done");
    const [done] = (await findItems(orders, masters.database))?.rows ?? [];
    expect(done).toMatchObject({ state: "done", changes, config_before: "1", config_after: "2" });
    // Its next incarnation may be of an earlier release.
    await execute(masters.database, "update mm_master_configs set epoch = epoch - 1");
    await expect(two.updates.orders.reconfig(order)).rejects.toThrow("cannot load a new config");
  });

  it("a drain says before and after what no other master can take, and hands over only the rest", async () => {
    const { masterid } = one.lease;
    const roles = (member: Member, ...names: string[]) =>
      execute(masters.database, "update mm_leases set roles = ?, state = 'running' where masterid = ?", [
        JSON.stringify(names),
        member.lease.masterid,
      ]);
    await roles(one, "builder-engine", "scheduler");
    await roles(two, "ui", "builder-engine");
    await one.updates.builders.configure([configuration("shared"), configuration("own")]);
    await two.updates.builders.configure([configuration("shared")]);
    await one.updates.buildsets.add(buildsetFor("shared", "own"));
    await one.updates.buildsets.add(buildsetFor("own"));
    const warning =
      "No other live master has the role scheduler: changes and times start no builds until one has. " +
      'No other live master has the builders for which these wait: 2 requests of the builder "own".';
    expect(await two.updates.orders.drain({ ...facts, masterid })).toMatchObject({ warning });
    // Another master that has it, not draining itself, ends the warning when it is asked again.
    await roles(two, "ui", "builder-engine", "scheduler");
    await two.updates.builders.configure([configuration("shared"), configuration("own")]);
    const order = await two.updates.orders.drain({ ...facts, masterid });
    expect(order.warning).toBeNull();
    await setState(two.database, two.lease, "draining");
    expect((await two.updates.orders.drain({ ...facts, masterid })).warning).toContain("No other live master");
    const before = { builds: 0, workers: 0, singletons: 4 };
    const drained = await one.updates.orders.begin(order.orderid, before);
    await setState(two.database, two.lease, "running");
    await two.updates.builders.configure([configuration("shared")]);
    await roles(two, "ui", "builder-engine");
    await one.updates.builders.configure([]);
    await one.updates.orders.end(order.orderid, "done", {
      work: { builds: 0, workers: 0, singletons: 0 },
      drained,
      roles: ["builder-engine", "scheduler"],
      before,
    });
    const [report] = (await findItems(orders, masters.database))?.rows ?? [];
    expect(report).toMatchObject({ warning, requests_pending: 3, requests_handed_over: 1, requests_stranded: 2 });
    expect(report).toMatchObject({ singletons_before: 4, singletons_stranded: 4 });
  });

  it("a drain is undone once, and ordering it while it is being undone keeps it", async () => {
    const { masterid } = one.lease;
    const order = await two.updates.orders.drain({ ...facts, masterid });
    expect(await two.updates.orders.undrain(masterid, null)).toMatchObject({ state: "undoing" });
    expect(await one.updates.orders.open()).toMatchObject([{ undone: true }]);
    await two.updates.orders.drain({ ...facts, masterid });
    // The master comes too late with its "undone": the drain is wanted again.
    expect(await one.updates.orders.end(order.orderid, "undone")).toBe(false);
    await two.updates.orders.undrain(masterid, null);
    expect(await one.updates.orders.end(order.orderid, "undone")).toBe(true);
    expect(await one.updates.orders.open()).toEqual([]);
    await expect(two.updates.orders.undrain(masterid, null)).rejects.toThrow("There is no open drain of the master");
  });

  it("a drain that a user named signal began can be undone, too", async () => {
    const { masterid } = one.lease;
    const order = await two.updates.orders.drain({ ...facts, masterid, orderedBy: "signal" });
    expect(order.ordered_by).toBe("user signal");
    expect(await two.updates.orders.undrain(masterid, null)).toMatchObject({ state: "undoing" });
  });

  it("what a signal began cannot be undone, only hurried", async () => {
    const { masterid } = one.lease;
    const orderid = await one.updates.orders.drainMyself(null, "signal");
    await expect(two.updates.orders.undrain(masterid, null)).rejects.toThrow("is ending because of a signal");
    expect(await two.updates.orders.drain({ ...facts, masterid, deadline: 0 })).toMatchObject({
      orderid,
      ordered_by: "signal",
    });
    const [open] = await one.updates.orders.open();
    expect(open?.deadlineIn).toBeLessThanOrEqual(0);
    // A deadline that was ordered stays when the signal brings none.
    await one.updates.orders.drainMyself(null, "signal");
    expect((await one.updates.orders.open())[0]?.deadlineIn).toBeLessThanOrEqual(0);
  });

  it("only live masters get orders, roles only if they make sense", async () => {
    const { masterid, name } = one.lease;
    const { updates } = two;
    await expect(updates.orders.drain({ ...facts, masterid: 999 })).rejects.toMatchObject({ status: 404 });
    await expect(updates.orders.drain({ ...facts, masterid, role: "ui" })).rejects.toThrow(
      `The master ${name} does not have the role ui (has: builder-engine).`,
    );
    await expect(updates.orders.drain({ ...facts, masterid, role: "builder-engine" })).rejects.toThrow(
      "is the only role",
    );
    await expect(updates.orders.addRole({ ...facts, masterid, role: "builder-engine" })).rejects.toThrow("already has");
    const added = await updates.orders.addRole({ ...facts, masterid, role: "ui", builderSets: ["web"] });
    expect(await one.updates.orders.open()).toMatchObject([
      { orderid: added.orderid, kind: "add", builderSets: ["web"] },
    ]);
    await one.updates.orders.setRoles(["builder-engine", "ui"], ["web"]);
    expect(await masters.value("select roles from mm_leases where masterid = ?", [masterid])).toBe(
      '["builder-engine","ui"]',
    );
    await masters.evict(one);
    await expect(updates.orders.drain({ ...facts, masterid })).rejects.toMatchObject({ status: 409 });
    await expect(one.updates.orders.setRoles([], [])).rejects.toThrow("is lost");
  });

  it("the report counts what was finished, released, and left to others", async () => {
    const { masterid } = one.lease;
    await one.updates.builders.configure([configuration("runtests")]);
    const kept = await runningBuild(one);
    const given = await runningBuild(one);
    await two.updates.buildsets.add(buildsetFor("runtests", "elsewhere"));
    const { orderid } = await two.updates.orders.drain({ ...facts, masterid });
    const drained = await one.updates.orders.begin(orderid, { builds: 2, workers: 1 });
    expect([...drained.requests].sort()).toEqual([kept.buildrequestid, given.buildrequestid].sort());
    await one.updates.orders.progress(orderid, { builds: 2, workers: 1 }, drained);
    const read = async () => (await masters.rows(`select * from mm_orders where id = ${orderid}`))[0];
    expect(await read()).toMatchObject({
      requests_pending: 1,
      requests_running: 2,
      requests_finished: 0,
      requests_retried: 0,
      builds_left: 2,
    });
    await one.updates.builds.finish(kept.buildid, { results: Results.SUCCESS, state: "done" });
    // Taken on while it drained, since a running build waited for it.
    const child = await runningBuild(one);
    await one.updates.builds.finish(child.buildid, { results: Results.SUCCESS, state: "done" });
    await one.updates.builds.finish(given.buildid, { results: Results.RETRY, state: "given back" });
    await one.updates.orders.end(orderid, "done", { work: { builds: 0, workers: 0 }, drained });
    expect(await read()).toMatchObject({
      outcome: "done",
      requests_finished: 2,
      requests_retried: 1,
      requests_lost: 0,
      builds_left: 0,
      workers_before: 1,
      workers_left: 0,
    });
  });

  it("a live master ends the open orders of a dead one as lost", async () => {
    const order = await two.updates.orders.drain({ ...facts, masterid: one.lease.masterid });
    await masters.evict(one);
    // A master that has just left may still write its report.
    await two.updates.masters.evictDead();
    expect(await masters.value("select outcome from mm_orders where id = ?", [order.orderid])).toBeNull();
    await execute(masters.database, "update mm_leases set buried_at = buried_at - 60 where buried_at is not null");
    await two.updates.masters.evictDead();
    expect(await masters.value("select outcome from mm_orders where id = ?", [order.orderid])).toBe("lost");
    expect(await masters.takeTopics(/^orders/)).toContain(`orders.${order.orderid}.ended`);
  });

  it("a builder is only here when no other live master that takes work has it", async () => {
    const ids = await one.updates.builders.configure([configuration("a"), configuration("b")]);
    await setState(one.database, one.lease, "draining");
    const [a, b] = [ids.get("a"), ids.get("b")];
    expect(await one.updates.builders.onlyHere()).toEqual([a, b]);
    await two.updates.builders.configure([configuration("a")]);
    // Another that still starts is no help yet.
    expect(await one.updates.builders.onlyHere()).toEqual([a, b]);
    await setState(two.database, two.lease, "running");
    expect(await one.updates.builders.onlyHere()).toEqual([b]);
    await masters.evict(two);
    expect(await one.updates.builders.onlyHere()).toEqual([a, b]);
  });

  it("requests that a running build waits for are found through builds that run elsewhere", async () => {
    const parent = await runningBuild(one, "parent");
    const waited = { waitedFor: true, parentBuildid: parent.buildid, parentRelationship: "Triggered from" };
    const direct = await one.updates.buildsets.add({ ...buildsetFor("child"), ...waited });
    const [childid] = Object.keys(direct.requests).map(Number);
    const awaited = async (builderids: number[]) =>
      (await one.updates.buildrequests.awaited(builderids, 10)).map(({ buildrequestid }) => buildrequestid);
    expect(await awaited([childid as number])).toEqual(Object.values(direct.requests));
    // Not waited for, or of another's build, or claimed: not ours to run.
    await one.updates.buildsets.add({ ...buildsetFor("child"), ...waited, waitedFor: false });
    expect(await awaited([childid as number])).toEqual(Object.values(direct.requests));
    await two.updates.buildrequests.claim(Object.values(direct.requests));
    expect(await awaited([childid as number])).toEqual([]);
    const workerid = (await two.updates.workers.register(["w9"])).get("w9") as number;
    const child = await two.updates.builds.create({
      buildrequestid: Object.values(direct.requests)[0] as number,
      workerid,
    });
    if (child === "lost") throw new Error("the child was not created");
    const deep = await two.updates.buildsets.add({
      ...buildsetFor("grandchild"),
      ...waited,
      parentBuildid: child.buildid,
    });
    const [grandchildid] = Object.keys(deep.requests).map(Number);
    expect(await awaited([grandchildid as number])).toEqual(Object.values(deep.requests));
  });
});
