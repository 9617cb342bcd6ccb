import { type Bus, createBus } from "@multimaster/bus";
import type { Lease } from "@multimaster/cluster";
import { type Clock, type Json, silentLog, systemClock } from "@multimaster/core";
import { createEvents, createUpdates, type NewBuildset, type Updates } from "@multimaster/data";
import { type Database, execute, openDatabase, queryRows, type Row } from "@multimaster/database";
import { onCleanup } from "./cleanup.ts";
import { expire, join, joinAsEvictor, makeSteady } from "./members.ts";
import { type Engine, newSchemaUrl } from "./test-databases.ts";

export interface Message {
  topic: string;
  payload: Json;
}

/** One master of a test: its own lease and, on PostgreSQL, its own connections. */
export interface Member {
  lease: Lease;
  database: Database;
  updates: Updates;
}

export interface TestMasters {
  /** For looking at rows. */
  database: Database;
  /** What all masters have published, in order. */
  messages: Message[];
  join(): Promise<Member>;
  /** Lets another master evict this one, as if its lease had expired. */
  evict(member: Member): Promise<void>;
  rows<R extends object = Row>(sql: string, bindings?: readonly unknown[]): Promise<R[]>;
  value(sql: string, bindings?: readonly unknown[]): Promise<unknown>;
  /** Topics published since the last call, without those whose name does not match. */
  takeTopics(pattern?: RegExp): Promise<string[]>;
}

/** Masters over one new database and one bus that remembers what is published. */
export async function startMasters(engine: Engine, clock: Clock = systemClock): Promise<TestMasters> {
  const url = await newSchemaUrl(engine);
  const messages: Message[] = [];
  // Like a bus with a router, which alone knows who subscribes.
  const { interest: _, ...local } = createBus({ kind: "in-process" }, silentLog);
  const bus: Bus = {
    ...local,
    publish: (key, payload) => void messages.push({ topic: key.join("."), payload }),
  };
  const open = async () => {
    const database = await openDatabase(url, { log: silentLog });
    onCleanup(() => database.close());
    return database;
  };
  const database = await open();
  const all: Updates[] = [];
  let evictor: Member | undefined;

  async function makeMember(lease: Lease): Promise<Member> {
    // SQLite has one process, and one connection, for all masters.
    const own = engine === "sqlite" ? database : await open();
    const events = createEvents({ bus, connection: own, log: silentLog });
    const updates = createUpdates({ database: own, lease, events, clock, log: silentLog });
    all.push(updates);
    onCleanup(() => updates.close());
    return { lease, database: own, updates };
  }

  return {
    database,
    messages,
    join: async () => makeMember((await join(database)).lease),
    async evict(member) {
      evictor ??= await makeMember(await joinAsEvictor(database));
      await makeSteady(database, evictor.lease);
      await expire(database, member.lease);
      await evictor.updates.masters.evictDead();
    },
    rows: (sql, bindings) => queryRows(database, sql, bindings),
    async value(sql, bindings) {
      const [row] = await queryRows<Row>(database, sql, bindings);
      return row && Object.values(row)[0];
    },
    async takeTopics(pattern = /./) {
      await Promise.all(all.map((updates) => updates.close()));
      return messages.splice(0).flatMap(({ topic }) => (pattern.test(topic) ? topic : []));
    },
  };
}

export const stamp = {
  branch: "main",
  revision: "abc",
  repository: "https://example.org/r.git",
  project: "",
  codebase: "",
};

/** A buildset for some builders, by name. */
export function buildsetFor(...builders: string[]): NewBuildset {
  return { reason: "because", sourceStamps: [stamp], builders, scheduler: null };
}

/** A builder's request, claimed by this master. */
export async function claimedRequest(member: Member, builder = "runtests"): Promise<number> {
  const { requests } = await member.updates.buildsets.add(buildsetFor(builder));
  const ids = Object.values(requests);
  await member.updates.buildrequests.claim(ids);
  return ids[0] as number;
}

/** A build that runs on this master. */
export async function runningBuild(member: Member, builder = "runtests") {
  const buildrequestid = await claimedRequest(member, builder);
  const workerid = await aWorker(member);
  const build = await member.updates.builds.create({ buildrequestid, workerid });
  if (build === "lost") throw new Error("the build was not created");
  return { ...build, buildrequestid, workerid };
}

/** A build that runs on this master, of these sources. */
export async function buildOf(member: Member, sourceStamps: NewBuildset["sourceStamps"]): Promise<number> {
  const { requests } = await member.updates.buildsets.add({ ...buildsetFor("runtests"), sourceStamps });
  const [buildrequestid] = Object.values(requests) as [number];
  await member.updates.buildrequests.claim([buildrequestid]);
  const build = await member.updates.builds.create({ buildrequestid, workerid: await aWorker(member) });
  if (build === "lost") throw new Error("the build was not created");
  return build.buildid;
}

export async function aWorker(member: Member, name = "w1"): Promise<number> {
  return (await member.updates.workers.register([name])).get(name) as number;
}

/** Makes every change seen look as if that had been long ago. */
export async function ageSeenChanges(database: Database, seconds: number): Promise<void> {
  await execute(database, "update mm_scheduler_seen set seen_at = seen_at - ?", [seconds]);
}
