import { beforeEach, describe, expect, it } from "vitest";
import { aWorker, type Member, startMasters, type TestMasters } from "../../harness/masters-with-data.ts";
import { engines } from "../../harness/test-databases.ts";

const info = { admin: "a\n", host: "h", access_uri: null, version: "4.3.0" };
const builder = (
  name: string,
  workers: string[],
  more: { tags?: string[]; project?: string; description?: string } = {},
) => ({
  name,
  description: more.description ?? null,
  tags: more.tags ?? [],
  project: more.project ?? null,
  workers,
});

describe.each(engines)("builders, workers and commands on %s", (engine) => {
  let masters: TestMasters;
  let one: Member;
  let two: Member;
  beforeEach(async () => {
    masters = await startMasters(engine);
    one = await masters.join();
    two = await masters.join();
  });

  it("a master has exactly the builders it was configured with last, and publishes only what changed", async () => {
    const ids = await one.updates.builders.configure([
      builder("a", ["w1", "w2"], { tags: ["x", "y"], project: "p", description: "d" }),
      builder("b", ["w1"]),
    ]);
    const [a, b] = [ids.get("a"), ids.get("b")];
    expect(await masters.takeTopics()).toEqual([
      "projects.1.update",
      `builders.${a}.started`,
      `builders.${b}.started`,
      `builders.${a}.update`,
    ]);
    await two.updates.builders.configure([builder("b", ["w1"])]);
    await masters.takeTopics();
    await one.updates.builders.configure([builder("a", ["w2", "w3"], { tags: ["y"], project: "p", description: "d" })]);
    await one.updates.close();
    expect(masters.messages[0]).toMatchObject({
      topic: `builders.${b}.stopped`,
      payload: { masterid: one.lease.masterid, name: "b" },
    });
    expect(await masters.takeTopics()).toEqual([`builders.${b}.stopped`, `builders.${a}.update`]);
    await one.updates.builders.configure([builder("a", ["w2", "w3"], { tags: ["y"], project: "p", description: "d" })]);
    expect(await masters.takeTopics()).toEqual([]);
    const places = `select b.name, w.name as worker, bm.masterid from builder_masters bm join builders b on b.id = bm.builderid
      join configured_workers c on c.buildermasterid = bm.id join workers w on w.id = c.workerid order by 1, 2`;
    expect(await masters.rows(places)).toEqual([
      { name: "a", worker: "w2", masterid: one.lease.masterid },
      { name: "a", worker: "w3", masterid: one.lease.masterid },
      { name: "b", worker: "w1", masterid: two.lease.masterid },
    ]);
    const tags = "select t.name from builders_tags bt join tags t on t.id = bt.tagid";
    expect(await masters.rows(tags)).toEqual([{ name: "y" }]);
  });

  it("four masters that configure the same builders at the same time agree on their ids", async () => {
    const members = [one, two, await masters.join(), await masters.join()];
    const builders = Array.from({ length: 20 }, (_, i) => builder(`b${i}`, [`w${i % 5}`], { tags: [`t${i % 3}`] }));
    const ids = await Promise.all(
      members.map((member, i) => member.updates.builders.configure(i % 2 === 0 ? builders : builders.toReversed())),
    );
    for (const other of ids) expect(Object.fromEntries(other)).toEqual(Object.fromEntries(ids[0] ?? []));
    expect(await masters.value("select count(*) as n from builders")).toBe(20);
    expect(await masters.value("select count(*) as n from builder_masters")).toBe(80);
  });

  it("a worker is attached to one master, which hears when it knocks elsewhere", async () => {
    const workerid = await aWorker(one);
    await two.updates.workers.setGraceful(workerid, true);
    await masters.takeTopics();
    expect(await one.updates.workers.attach(workerid, info)).toEqual({ kind: "claimed" });
    expect(await masters.takeTopics()).toEqual([`workers.${workerid}.connected`]);
    expect(await masters.value("select info from workers")).toBe(
      '{"admin": "a\\n", "host": "h", "access_uri": null, "version": "4.3.0"}',
    );
    expect(await two.updates.workers.attach(workerid, info)).toEqual({ kind: "lost", holder: one.lease.masterid });
    expect(await one.updates.workers.contested()).toEqual([workerid]);
    await one.updates.workers.keep(workerid);
    expect(await one.updates.workers.contested()).toEqual([]);
    await two.updates.workers.detach(workerid);
    expect(await masters.value("select count(*) as n from connected_workers")).toBe(1);
    await one.updates.workers.detach(workerid);
    expect(await masters.takeTopics()).toEqual([`workers.${workerid}.disconnected`]);
    expect(await two.updates.workers.attach(workerid, info)).toEqual({ kind: "claimed" });
    expect(await two.updates.workers.states([workerid])).toEqual([
      {
        ...{ workerid, name: "w1", paused: false, graceful: true, atOnce: false },
        ...{ quarantined: false, onProbation: false, failures: 0 },
      },
    ]);
  });

  it("a worker is paused with a reason by any master, and the reason goes when it is not any more", async () => {
    const workerid = await aWorker(one);
    await two.updates.workers.setPaused(workerid, true, "maintenance");
    expect(await one.updates.workers.states([workerid])).toMatchObject([{ paused: true }]);
    expect(await masters.value("select pause_reason from workers")).toBe("maintenance");
    await two.updates.workers.setPaused(workerid, false, null);
    expect(await masters.value("select pause_reason from workers")).toBeNull();
    expect(await masters.takeTopics()).toEqual([
      `workers.${workerid}.state_updated`,
      `workers.${workerid}.state_updated`,
    ]);
  });

  it("commands outlive their master until their end is known", async () => {
    const workerid = await aWorker(one);
    const command = { workerid, buildid: 7, stepid: 8, name: "shell" };
    await one.updates.commands.record({ ...command, commandId: "1" });
    await one.updates.commands.record({ ...command, commandId: "2" });
    await masters.evict(one);
    const left = { workerid, buildid: 7, builderid: null, resumePoint: null };
    expect(await two.updates.commands.ofWorker(workerid)).toEqual([
      { ...left, commandId: "1" },
      { ...left, commandId: "2" },
    ]);
    await two.updates.commands.forget(["1", "2", "3"]);
    expect(await two.updates.commands.ofWorker(workerid)).toEqual([]);
  });

  it("a master says that it has started", async () => {
    await one.updates.masters.publishStarted();
    expect(await masters.takeTopics()).toEqual([
      `masters.${one.lease.masterid}.started`,
      `members.${one.lease.masterid}.update`,
    ]);
  });
});
