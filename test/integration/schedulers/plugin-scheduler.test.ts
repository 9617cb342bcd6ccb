import { readFileSync } from "node:fs";
import { forceschedulers } from "@multimaster/data";
import { execute } from "@multimaster/database";
import gitPoller from "@multimaster/plugins/change-sources/git-poller";
import anyBranch from "@multimaster/plugins/schedulers/any-branch";
import force from "@multimaster/plugins/schedulers/force";
import singleBranch from "@multimaster/plugins/schedulers/single-branch";
import { describe, expect, it } from "vitest";
import { createGitRepository } from "../../harness/git-repository.ts";
import { type SchedulerCluster, type SchedulerMaster, startSchedulerCluster } from "../../harness/scheduler-masters.ts";
import { engines } from "../../harness/test-databases.ts";
import { waitFor } from "../../harness/wait-for.ts";

const builders = ["b"];
const main = (more: object = {}) => singleBranch({ name: "main", branch: "main", builders, ...more });
const everything = () => anyBranch({ name: "everything", builders });

let revisions = 0;
/** Adds a change as a hook would; returns its revision. */
async function push(cluster: SchedulerCluster, branch = "main"): Promise<string> {
  const revision = `r${++revisions}`;
  await cluster.data.updates.changes.add({
    author: "dev <dev@example.org>",
    comments: "fix",
    branch,
    revision,
    repository: "https://example.org/r",
  });
  return revision;
}

const held = (cluster: SchedulerCluster, by: SchedulerMaster, ...names: string[]) =>
  waitFor(
    async () => {
      const holders = await cluster.holders();
      return names.every((name) => holders[name] === by.lease.name);
    },
    { what: `${by.lease.name} to hold ${names.join(", ")}` },
  );

const isBuilt = (cluster: SchedulerCluster, scheduler: string, ...expected: string[]) =>
  waitFor(async () => (await cluster.built(scheduler)).length >= expected.length, {
    what: `${scheduler} to build ${expected.join(", ")}`,
  }).then(async () => expect(await cluster.built(scheduler)).toEqual(expected));

describe.each(engines)("masters with the role scheduler on %s", (engine) => {
  it("share singletons: each runs on one of them, and a change is in one buildset of each scheduler that wants it", async () => {
    const cluster = await startSchedulerCluster(engine);
    const masters = [
      await cluster.add({ schedulers: [main(), everything()] }),
      await cluster.add({ schedulers: [main(), everything()] }),
    ];
    await Promise.all(masters.map((master) => master.start()));
    await waitFor(async () => Object.keys(await cluster.holders()).length === 2, { what: "all to be claimed" });
    const one = await push(cluster);
    const two = await push(cluster, "dev");
    await isBuilt(cluster, "everything", one, two);
    await isBuilt(cluster, "main", one);
  });

  it("build what came while none of them ran, once", async () => {
    const cluster = await startSchedulerCluster(engine);
    const early = await push(cluster);
    const first = await cluster.add({ schedulers: [main()] });
    await first.start();
    await isBuilt(cluster, "main", early);
    await first.stop();
    const late = [await push(cluster), await push(cluster)];
    const second = await cluster.add({ schedulers: [main()] });
    await second.start();
    await isBuilt(cluster, "main", early, ...late);
  });

  it("hand over immediately when one drains, without waiting for a poll", async () => {
    const cluster = await startSchedulerCluster(engine, { pollMs: 3_600_000 });
    const repository = createGitRepository();
    const slice = () => ({
      changeSources: [gitPoller({ repository: repository.path, name: "repo" })],
      schedulers: [main()],
    });
    const first = await cluster.add(slice());
    const second = await cluster.add(slice());
    await first.start();
    await held(cluster, first, "main", "repo");
    await second.start();
    await first.drain();
    await held(cluster, second, "main", "repo");
    await first.stop();
    const revision = await push(cluster);
    await isBuilt(cluster, "main", revision);
  });

  it("take over from one that died; its tree-stable timer goes on and fires once", async () => {
    const cluster = await startSchedulerCluster(engine);
    const slice = () => ({ schedulers: [main({ treeStableTimer: "30s" })] });
    const first = await cluster.add(slice());
    await first.start();
    await held(cluster, first, "main");
    const revision = await push(cluster);
    await waitFor(async () => (await cluster.rows("select * from scheduler_changes")).length === 1, {
      what: "the change to be classified",
    });
    const second = await cluster.add(slice());
    await second.start();
    // The first one still runs and believes to have it: what it writes must not get in.
    await cluster.evict(first);
    await held(cluster, second, "main");
    expect(await cluster.built("main")).toEqual([]);
    await execute(cluster.database, "update mm_scheduler_seen set seen_at = seen_at - 31");
    await push(cluster, "other");
    await isBuilt(cluster, "main", revision);
    expect(await cluster.rows("select * from scheduler_changes")).toEqual([]);
  });

  it("stop what another claimed, and only that", async () => {
    const cluster = await startSchedulerCluster(engine);
    const first = await cluster.add({ schedulers: [main(), everything()] });
    await first.start();
    await held(cluster, first, "main", "everything");
    const thief = await cluster.add({ schedulers: [] });
    await execute(
      cluster.database,
      "update scheduler_masters set masterid = ? where schedulerid = (select id from schedulers where name = 'main')",
      [thief.lease.masterid],
    );
    const lost = await push(cluster);
    await isBuilt(cluster, "everything", lost);
    expect(await cluster.built("main")).toEqual([]);
    // Free again: claimed again, with all that was missed.
    await execute(cluster.database, "delete from scheduler_masters where masterid = ?", [thief.lease.masterid]);
    await isBuilt(cluster, "main", lost);
  });

  it("let changes pass a disabled scheduler, and build the next ones when it is enabled", async () => {
    const cluster = await startSchedulerCluster(engine, { pollMs: 3_600_000 });
    const { schedulers } = cluster.data.updates;
    const id = (await schedulers.register(["main"])).get("main") as number;
    await schedulers.setEnabled(id, false);
    const passed = await push(cluster);
    const master = await cluster.add({ schedulers: [main()] });
    await master.start();
    const isQuiet = async () =>
      (await schedulers.unseenChanges(id, 10)).length + (await schedulers.classifiedChanges(id)).length === 0;
    await waitFor(isQuiet, { what: "the change to pass" });
    await schedulers.setEnabled(id, true);
    const next = await waitFor(
      async () => {
        await push(cluster);
        await waitFor(isQuiet, { what: "the change to be classified" });
        return (await cluster.built("main"))[0];
      },
      { what: "a change to be built" },
    );
    expect(next).not.toBe(passed);
    await schedulers.setEnabled(id, false);
    await waitFor(
      async () => {
        const revision = await push(cluster);
        await waitFor(async () => (await schedulers.unseenChanges(id, 10)).length === 0, {
          what: "the change to be classified",
        });
        const taken = [
          ...(await schedulers.classifiedChanges(id)).map(({ change }) => change.revision),
          ...(await cluster.built("main")),
        ];
        return !taken.includes(revision);
      },
      { what: "a change to pass again" },
    );
  });

  it("run the others when one cannot start, and try it again", async () => {
    const cluster = await startSchedulerCluster(engine);
    let attempts = 0;
    let hang = true;
    const plugin = (name: string, start: () => Promise<void>) => {
      const { plugin, options } = main({ name });
      return { plugin: { ...plugin, start: () => start().then(() => ({ stop: async () => {} })) }, options };
    };
    const failing = plugin("failing", async () => {
      if (++attempts < 2) throw new Error("not yet");
    });
    const hanging = plugin("hanging", () =>
      waitFor(() => !hang, { what: "the end", timeoutMs: 60_000 }).then(() => {}),
    );
    const master = await cluster.add({ schedulers: [failing, hanging, main()] });
    await master.start();
    const revision = await push(cluster);
    await isBuilt(cluster, "main", revision);
    await waitFor(() => attempts === 2, { what: "the second attempt" });
    hang = false;
  });

  it("publish the force form that UI masters answer with", async () => {
    const cluster = await startSchedulerCluster(engine);
    const master = await cluster.add({ schedulers: [force({ name: "force", builders: ["hello", "slow", "extras"] })] });
    await master.start();
    const recorded = JSON.parse(
      readFileSync(new URL("../../fixtures/rest/forceschedulers_force.json", import.meta.url), "utf8"),
    );
    const { rows } = await waitFor(
      async () => {
        const found = await cluster.data.find(forceschedulers);
        return found.rows.length > 0 && found;
      },
      { what: "the form" },
    );
    expect(rows).toEqual(recorded.body.forceschedulers);
  });

  it("turn each commit into one change and one buildset, whichever of them polls", async () => {
    const cluster = await startSchedulerCluster(engine);
    const repository = createGitRepository();
    const slice = () => ({
      changeSources: [
        gitPoller({
          repository: repository.url,
          branches: true,
          pollInterval: "100ms",
          buildOnFirstRun: true,
          name: "repo",
        }),
      ],
      schedulers: [everything()],
    });
    const expected = [repository.revision()];
    const first = await cluster.add(slice());
    await first.start();
    await isBuilt(cluster, "everything", ...expected);
    const second = await cluster.add(slice());
    await second.start();
    expected.push(repository.commit(), repository.commit());
    await isBuilt(cluster, "everything", ...expected);
    await cluster.evict(first);
    expected.push(repository.commit(), repository.commit({ branch: "dev" }));
    await isBuilt(cluster, "everything", ...expected);
    await first.stop();
    await second.drain();
    expected.push(repository.commit());
    const third = await cluster.add(slice());
    await third.start();
    await isBuilt(cluster, "everything", ...expected);
    const rows = await cluster.rows<{ revision: string }>("select revision from changes order by changeid");
    expect(rows.map(({ revision }) => revision)).toEqual(expected);
    expect(Object.values(await cluster.holders())).toEqual([third.lease.name, third.lease.name]);
  });

  it("do all that without messages too, only later", async () => {
    const cluster = await startSchedulerCluster(engine, { mute: true });
    const slice = () => ({ schedulers: [main({ treeStableTimer: "300ms" })] });
    const first = await cluster.add(slice());
    const second = await cluster.add(slice());
    await first.start();
    await second.start();
    const one = await push(cluster);
    await isBuilt(cluster, "main", one);
    await first.drain();
    const two = await push(cluster);
    await isBuilt(cluster, "main", one, two);
  });
});
