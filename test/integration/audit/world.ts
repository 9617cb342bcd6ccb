import { Results } from "@multimaster/core";
import { type Connection, execute } from "@multimaster/database";
import {
  aWorker,
  buildsetFor,
  claimedRequest,
  type Member,
  startMasters,
  type TestMasters,
} from "../../harness/masters-with-data.ts";
import type { Engine } from "../../harness/test-databases.ts";

/** A cluster that has worked for a while, with everything in it that an audit checks. All ids are of rows. */
export interface World {
  masters: TestMasters;
  /** An engine, with a worker and a running build. */
  engine: Member;
  /** Has claimed two schedulers that read changes, one that does not, and a change source. */
  scheduler: Member;
  /** Live, and holds nothing. */
  idle: Member;
  /** Was evicted in mid-build. */
  gone: Member;
  workers: { attached: number; away: number };
  changeid: number;
  schedulerid: number;
  changesourceid: number;
  /** Was retried once, and ended with success. */
  finished: { request: number; buildset: number; retried: number; build: number; step: number; log: number };
  running: { request: number; buildset: number; build: number; step: number };
  pending: { request: number; buildset: number };
}

const change = { author: "dev", comments: "fix", repository: "r", branch: "main" };

/** Makes it by what masters do, one after the other; `look` is called after each act. */
export async function makeWorld(engine: Engine, look: (masters: TestMasters) => Promise<void>): Promise<World> {
  const masters = await startMasters(engine);
  const acted = async <T>(act: Promise<T>): Promise<T> => {
    const result = await act;
    await look(masters);
    return result;
  };
  const gone = await acted(masters.join());
  const one = await acted(masters.join());
  const two = await acted(masters.join());
  const idle = await acted(masters.join());

  const workers = { attached: await acted(aWorker(one, "w1")), away: await acted(aWorker(one, "w2")) };
  await acted(one.updates.builders.configure([builder("job"), builder("other")]));
  await acted(
    one.updates.workers.attach(workers.attached, { admin: null, host: null, access_uri: null, version: "4" }),
  );
  const singletons = await useSchedulers(two, acted);

  const request = await acted(claimedRequest(gone, "job"));
  const first = await acted(begin(gone, request, workers.away));
  await acted(masters.evict(gone));
  await acted(one.updates.buildrequests.claim([request]));
  const second = await acted(begin(one, request, workers.attached));
  const { step, log } = await acted(runStep(one, second.buildid));
  await acted(one.updates.builds.finish(second.buildid, { results: Results.SUCCESS, state: "build successful" }));
  const third = await acted(claimedRequest(one, "job"));
  const failed = await acted(begin(one, third, workers.attached));
  await acted(one.updates.builds.finish(failed.buildid, { results: Results.FAILURE, state: "failed" }));

  const cancelled = await acted(one.updates.buildsets.add(buildsetFor("other")));
  await acted(two.updates.buildrequests.cancel(Object.values(cancelled.requests)[0] as number, "no need"));
  const waiting = await acted(one.updates.buildsets.add(buildsetFor("job")));
  const current = await acted(claimedRequest(one, "other"));
  const running = await acted(begin(one, current, workers.attached));
  const runningStep = await acted(one.updates.steps.begin({ buildid: running.buildid, name: "shell" }));
  await acted(one.updates.commands.record(command(workers.attached, running.buildid, runningStep.stepid)));
  const buildsetOf = async (id: number) =>
    (await masters.value("select buildsetid from buildrequests where id = ?", [id])) as number;
  return {
    masters,
    engine: one,
    scheduler: two,
    idle,
    gone,
    workers,
    ...singletons,
    finished: {
      request,
      buildset: await buildsetOf(request),
      retried: first.buildid,
      build: second.buildid,
      step,
      log,
    },
    running: {
      request: current,
      buildset: await buildsetOf(current),
      build: running.buildid,
      step: runningStep.stepid,
    },
    pending: { request: Object.values(waiting.requests)[0] as number, buildset: waiting.bsid },
  };
}

const builder = (name: string) => ({ name, description: null, tags: [], project: null, workers: ["w1", "w2"] });

const command = (workerid: number, buildid: number, stepid: number) => ({
  commandId: `command ${buildid}`,
  workerid,
  buildid,
  stepid,
  name: "shell",
});

type Acted = <T>(act: Promise<T>) => Promise<T>;

async function useSchedulers({ updates }: Member, acted: Acted) {
  const { schedulers, changeSources } = updates;
  const ids = await acted(schedulers.register(["all", "also", "nightly"], ["all", "also"]));
  for (const id of ids.values()) await acted(schedulers.claim(id));
  const changesourceid = (await acted(changeSources.register(["poller"]))).get("poller") as number;
  await acted(changeSources.claim(changesourceid));
  const { changeid } = await acted(updates.changes.add(change, { delivery: "first" }));
  await acted(updates.changes.add({ ...change, revision: "2", whenTimestamp: 1 }));
  const verdicts = [changeid, changeid + 1].map((id) => ({ changeid: id, verdict: "ignored" as const }));
  for (const name of ["all", "also"]) await acted(schedulers.classify(ids.get(name) as number, verdicts));
  return { schedulerid: ids.get("all") as number, changesourceid, changeid };
}

async function begin({ updates }: Member, buildrequestid: number, workerid: number) {
  const build = await updates.builds.create({ buildrequestid, workerid });
  if (build === "lost") throw new Error("the build was not created");
  return build;
}

async function runStep({ updates }: Member, buildid: number): Promise<{ step: number; log: number }> {
  const { stepid } = await updates.steps.begin({ buildid, name: "shell" });
  const { logid } = await updates.logs.add({ stepid, name: "stdio", type: "s" });
  await updates.logs.append(logid, 0, "oone\notwo\n");
  await updates.logs.append(logid, 2, "othree\nofour\n");
  await updates.logs.finish(logid);
  await updates.steps.finish(stepid, { results: Results.SUCCESS, state: "done", hidden: false });
  return { step: stepid, log: logid };
}

/** Columns in which an hour passes; leases are renewed meanwhile. */
const times: Record<string, readonly string[]> = {
  sourcestamps: ["created_at"],
  buildsets: ["submitted_at", "complete_at"],
  buildrequests: ["submitted_at", "complete_at"],
  buildrequest_claims: ["claimed_at"],
  builds: ["started_at", "complete_at"],
  steps: ["started_at", "complete_at"],
  masters: ["last_active"],
  mm_leases: ["joined_at", "steady_since", "buried_at", "ended_at"],
  mm_scheduler_seen: ["seen_at"],
  mm_worker_attachments: ["attached_at"],
  mm_commands: ["sent_at"],
  mm_change_deliveries: ["received_at"],
};

/** As if nothing had happened for an hour. */
export async function letAnHourPass(connection: Connection): Promise<void> {
  for (const [table, columns] of Object.entries(times))
    for (const column of columns) await execute(connection, `update ${table} set ${column} = ${column} - 3600`);
}
