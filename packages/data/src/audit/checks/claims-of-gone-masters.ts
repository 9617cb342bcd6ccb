import { type Claimable, claimTableOf } from "@multimaster/lifecycle";
import type { Check, Moment } from "../check.ts";
import { isGone } from "../standing.ts";

/** Whatever masters claim, an eviction releases: one check for each entry of the registry of claims. */
export const goneChecks: Readonly<Record<Claimable, Check>> = {
  request: {
    id: "claim-of-gone-master",
    one: "A build request is claimed by a master that is gone",
    many: "{n} build requests are claimed by masters that are gone",
    means: "No master will run it: a claim ends in the same transaction in which its master leaves or is evicted.",
    advice: "Free it: delete its row of buildrequest_claims, and any engine takes it.",
    sql: (at) => findClaims("request", at),
  },
  worker: {
    id: "worker-of-gone-master",
    one: "A worker counts as attached to a master that is gone, or to an earlier incarnation of one",
    many: "{n} workers count as attached to masters that are gone, or to earlier incarnations of them",
    means: "It shows as connected where it is not. It can attach again all the same.",
    advice:
      "Nothing immediately: its next connection puts it right. Report the fault with the log of the master that evicted.",
    sql: (at) => findClaims("worker", at),
  },
  scheduler: {
    id: "scheduler-of-gone-master",
    one: "A scheduler is claimed by a master that is gone",
    many: "{n} schedulers are claimed by masters that are gone",
    means: "It does not run, and no other master takes it.",
    advice: "Delete its row of scheduler_masters: a live scheduler master takes it within seconds.",
    sql: (at) => findClaims("scheduler", at),
  },
  changeSource: {
    id: "changesource-of-gone-master",
    one: "A change source is claimed by a master that is gone",
    many: "{n} change sources are claimed by masters that are gone",
    means: "It does not run, and no other master takes it: changes are not noticed.",
    advice: "Delete its row of changesource_masters: a live scheduler master takes it within seconds.",
    sql: (at) => findClaims("changeSource", at),
  },
  reporter: {
    id: "reporter-of-gone-master",
    one: "A reporter is claimed by a master that is gone",
    many: "{n} reporters are claimed by masters that are gone",
    means: "Nothing is reported through it, and no other master takes it: its reports stay owed.",
    advice: "Delete its row of mm_reporter_masters: a live scheduler master takes it within seconds.",
    sql: (at) => findClaims("reporter", at),
  },
  job: {
    id: "job-of-gone-master",
    one: "A job of the cluster, such as retention, is claimed by a master that is gone",
    many: "{n} jobs of the cluster, such as retention, are claimed by masters that are gone",
    means: "It does not run, and no other master takes it.",
    advice: "Delete its row of mm_job_claims: a live scheduler master takes it within seconds.",
    sql: (at) => findClaims("job", at),
  },
  instance: {
    id: "instance-of-gone-master",
    one: "An instance of a latent worker is looked after by a master that is gone",
    many: "{n} instances of latent workers are looked after by masters that are gone",
    means: "No engine takes it or ends it, and its slot stays occupied.",
    advice: "Delete its row of mm_instance_claims: a live engine takes it within seconds.",
    sql: (at) => findClaims("instance", at),
  },
  lock: {
    id: "lock-of-gone-master",
    one: "A lock is held by a master that is gone",
    many: "{n} locks are held by masters that are gone",
    means: "The hold does not count, so nothing waits for it; an eviction deletes it.",
    advice:
      "Nothing: the next build or step that takes the lock deletes the row. Report the fault with the log of the master that evicted.",
    sql: (at) => findClaims("lock", at),
  },
  lockWait: {
    id: "lock-wait-of-gone-master",
    one: "A build waits for a lock at a master that is gone",
    many: "{n} builds wait for locks at masters that are gone",
    means: "The row does not count, so no one waits behind it; an eviction deletes it.",
    advice:
      "Nothing: the next build or step that takes the lock deletes the row. Report the fault with the log of the master that evicted.",
    sql: (at) => findClaims("lockWait", at),
  },
};

/** Claims of masters that are gone, also in the table that mirrors them, and of earlier incarnations where the rows have an epoch. */
function findClaims(kind: Claimable, at: Moment): string {
  const { table, id, only, epoch, mirror } = claimTableOf(kind);
  // The claim of a request whose build waits for an engine stays with its former master.
  const kept =
    kind === "request"
      ? ` and not exists (select 1 from mm_adoptable_builds w where w.buildrequestid = h.${id} and w.adopt_until > ${at.before})`
      : "";
  const selects = [
    `select h.${id} as id from ${table} h where ${isGone("h.masterid", at)}${only ? ` and ${only}` : ""}${kept}`,
  ];
  if (mirror) selects.push(`select h.${id} as id from ${mirror} h where ${isGone("h.masterid", at)}`);
  if (epoch)
    selects.push(`select h.${id} as id from ${table} h
      where exists (select 1 from mm_leases l where l.masterid = h.masterid and l.epoch <> h.epoch)`);
  return selects.join("\n union ");
}
