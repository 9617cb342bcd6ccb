import { type Bus, createBus } from "@multimaster/bus";
import { type Lease, LoopSign } from "@multimaster/cluster";
import { type SchedulerSliceInput, schedulerSlice } from "@multimaster/config";
import { mergeFigures, Registry, type Service, silentLog, systemClock } from "@multimaster/core";
import { createData, type Data } from "@multimaster/data";
import { type Database, openDatabase, queryRows, type Row } from "@multimaster/database";
import { ClaimedHost } from "../../roles/scheduler/claimed-host.ts";
import { hostChangeSources } from "../../roles/scheduler/hosted-change-sources.ts";
import { hostReporters } from "../../roles/scheduler/hosted-reporters.ts";
import { hostSchedulers } from "../../roles/scheduler/hosted-schedulers.ts";
import { onCleanup } from "./cleanup.ts";
import { expire, join, joinAsEvictor } from "./members.ts";
import { temporaryDirectory } from "./temporary-directory.ts";
import { type Engine, newSchemaUrl } from "./test-databases.ts";

/** A master with the role scheduler, without the process around it. */
export interface SchedulerMaster {
  readonly lease: Lease;
  readonly data: Data;
  /** Its own connections; on SQLite those of all. */
  readonly database: Database;
  start(): Promise<void>;
  drain(): Promise<void>;
  stop(): Promise<void>;
}

export interface SchedulerCluster {
  /** A data of its own, of a master without roles. */
  readonly data: Data;
  readonly database: Database;
  add(slice: SchedulerSliceInput): Promise<SchedulerMaster>;
  /** Evicts it as if its lease had expired. */
  evict(master: SchedulerMaster): Promise<void>;
  rows<R extends object = Row>(sql: string): Promise<R[]>;
  /** Change ids of each buildset made by a scheduler, by its name. */
  built(scheduler: string): Promise<string[]>;
  /** Name of the master that has each claimed singleton. */
  holders(): Promise<Record<string, string>>;
}

/** Scheduler masters over one new database and one bus; `pollMs` is how often they poll claims without a message. */
export async function startSchedulerCluster(
  engine: Engine,
  options: { mute?: boolean; pollMs?: number } = {},
): Promise<SchedulerCluster> {
  const url = await newSchemaUrl(engine);
  const bus: Bus = createBus({ kind: "in-process", mute: options.mute ?? false }, silentLog);
  await bus.start();
  onCleanup(() => bus.stop());
  const open = async () => {
    const database = await openDatabase(url, { log: silentLog });
    onCleanup(() => database.close());
    return database;
  };
  const database = await open();
  const makeData = async (lease: Lease, own: Database) =>
    createData({ database: own, bus, lease, log: silentLog, clock: systemClock });
  const evictor = await makeData(await joinAsEvictor(database), database);

  return {
    data: evictor,
    database,
    async add(slice) {
      const own = engine === "sqlite" ? database : await open();
      const { lease } = await join(database, { defaultBase: "host-scheduler", roles: ["scheduler"] });
      const data = await makeData(lease, own);
      const context = {
        master: { name: lease.name, masterid: lease.masterid },
        config: {
          own: schedulerSlice.parse(slice),
          shared: { name: "test", url: "http://ci.example.org/" } as never,
          directory: temporaryDirectory("scheduler"),
        },
        data,
        clock: systemClock,
        log: silentLog,
        metrics: new Registry(),
        figures: () => mergeFigures([]),
        loop: new LoopSign(),
        lost: new AbortController().signal,
        listening: () => {},
        ready: () => true as const,
      };
      const hosts: Service[] = [hostChangeSources, hostSchedulers, hostReporters].map(
        (host) =>
          new ClaimedHost({
            kind: host(context),
            masterid: lease.masterid,
            clock: systemClock,
            log: silentLog,
            pollMs: options.pollMs ?? 200,
          }),
      );
      const stop = async () => {
        for (const host of hosts.toReversed()) await host.stop();
      };
      onCleanup(stop);
      return {
        lease,
        data,
        database: own,
        async start() {
          for (const host of hosts) await host.start();
        },
        async drain() {
          for (const host of hosts) await host.drain?.(new AbortController().signal);
        },
        stop,
      };
    },
    async evict(master) {
      await expire(database, master.lease);
      await evictor.updates.masters.evictDead();
    },
    rows: (sql) => queryRows(database, sql),
    async built(scheduler) {
      const rows = await queryRows<{ revision: string }>(
        database,
        `select ss.revision from buildsets b join buildset_sourcestamps bs on bs.buildsetid = b.id join sourcestamps ss on ss.id = bs.sourcestampid
          where b.reason like ? order by b.id`,
        [`% '${scheduler}' %`],
      );
      return rows.map(({ revision }) => revision);
    },
    async holders() {
      const rows = await queryRows<{ name: string; master: string }>(
        database,
        `select s.name, m.name as master from scheduler_masters sm join schedulers s on s.id = sm.schedulerid join masters m on m.id = sm.masterid
         union all
         select c.name, m.name from changesource_masters cm join changesources c on c.id = cm.changesourceid join masters m on m.id = cm.masterid`,
      );
      return Object.fromEntries(rows.map(({ name, master }) => [name, master]));
    },
  };
}
