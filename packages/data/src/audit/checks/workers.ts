import { isLeaseOpen } from "@multimaster/database";
import type { Check } from "../check.ts";
import { isLive } from "../standing.ts";
import { goneChecks } from "./claims-of-gone-masters.ts";

/** What a worker ran before is interrupted when it attaches; a slow one may take as long to answer. */
const orphanSeconds = 60;

/** A worker is attached to one master, and runs nothing for another. */
export const workerChecks: readonly Check[] = [
  {
    id: "worker-attached-twice",
    one: "A worker is connected to more than one master",
    many: "{n} workers are connected to more than one master each",
    means: "Two masters may give it work in the same directory, and more than it may have.",
    advice: "Restart the worker. Report the fault with the logs of the masters.",
    sql: () => `select c.workerid as id from connected_workers c join mm_leases l on l.masterid = c.masterid and ${isLeaseOpen("l")}
      group by c.workerid having count(*) > 1`,
  },
  {
    id: "worker-attachment-differs",
    one: "A worker is connected to a master without being attached to it, or the other way round",
    many: "{n} workers are connected to a master without being attached to it, or the other way round",
    means: "Both are written in one transaction; with one of them the worker shows elsewhere than it is.",
    advice: "Restart the worker, which writes both again.",
    sql: () => `select a.workerid as id from mm_worker_attachments a
        join mm_leases l on l.masterid = a.masterid and l.epoch = a.epoch and ${isLeaseOpen("l")}
      where not exists (select 1 from connected_workers c where c.workerid = a.workerid and c.masterid = a.masterid)
        and not exists (select 1 from connected_workers c join mm_leases o on o.masterid = c.masterid and ${isLeaseOpen("o")}
          where c.workerid = a.workerid)
      union
      select c.workerid from connected_workers c join mm_leases l on l.masterid = c.masterid and ${isLeaseOpen("l")}
      where not exists (select 1 from mm_worker_attachments a where a.workerid = c.workerid and a.masterid = c.masterid)
        and (select count(*) from connected_workers d join mm_leases o on o.masterid = d.masterid and ${isLeaseOpen("o")}
          where d.workerid = c.workerid) = 1`,
  },
  goneChecks.worker,
  {
    id: "command-left-behind",
    one: "A command of before is still listed for a worker that has long been attached again",
    many: "{n} commands of before are still listed for workers that have long been attached again",
    means: "The worker may still run it in a directory that another build uses: it is interrupted at the attachment.",
    advice: "Restart the worker, which ends whatever it runs.",
    sql: (at) => `select m.command_id as id from mm_commands m join mm_worker_attachments a on a.workerid = m.workerid
        join mm_leases l on l.masterid = a.masterid and l.epoch = a.epoch and ${isLive("l", at)}
      where m.sent_at < a.attached_at and a.attached_at <= ${at.before - orphanSeconds}`,
  },
  {
    id: "command-of-unknown-life",
    one: "A command is listed under an incarnation of a master that never was",
    many: "{n} commands are listed under incarnations of masters that never were",
    means: "It was written without a lease, or the lease's row was tampered with.",
    advice: "Restart the worker, then delete the row of mm_commands.",
    sql: () => `select m.command_id as id from mm_commands m
      where not exists (select 1 from mm_leases l where l.masterid = m.masterid and l.epoch >= m.epoch)`,
  },
];
