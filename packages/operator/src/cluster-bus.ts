import { type Bus, type BusOptions, createBus, type NotifyOptions, type WampAuth } from "@multimaster/bus";
import type { ClusterConfig } from "@multimaster/config";
import { errors, type Logger } from "@multimaster/core";
import { type Database, PostgresqlSession } from "@multimaster/database";

/** The bus that the config asks for, not started yet. */
export function createClusterBus(shared: ClusterConfig, { pooling }: Pick<Database, "pooling">, log: Logger): Bus {
  return createBus(busOptions(shared, pooling, log), log);
}

function busOptions({ bus, database }: ClusterConfig, pooling: Database["pooling"], log: Logger): BusOptions {
  const { mute } = bus;
  if (bus.router !== undefined) {
    const notify = mute || bus.notify === false ? undefined : standIn(database, pooling, log);
    return { kind: "wamp", router: bus.router, realm: bus.realm, auth: busLogin(bus), mute, notify };
  }
  if (!bus.notify) return { kind: "in-process", mute };
  if (!isPostgresql(database)) throw errors.notifyNeedsPostgresql();
  if (pooling === "transaction") throw errors.notifyBehindPooler();
  return { kind: "postgres", mute, ...notifyOptions(database) };
}

/** What carries wake-ups while the router is away, if the database can. */
function standIn(database: string, pooling: Database["pooling"], log: Logger): NotifyOptions | undefined {
  if (!isPostgresql(database)) return undefined;
  if (pooling !== "transaction") return notifyOptions(database);
  log.info(
    "a connection pooler gives no sessions for LISTEN: while the router is away, masters find work by polling; where it pools sessions, ?pooler=session in the database's URL says so",
  );
  return undefined;
}

function notifyOptions(url: string): NotifyOptions {
  return { url, makeClient: (config) => new PostgresqlSession(config) };
}

function isPostgresql(database: string): boolean {
  return /^postgres(ql)?:/.test(database);
}

function busLogin({ authid, ticket, privateKey }: ClusterConfig["bus"]): WampAuth | undefined {
  if (privateKey !== undefined) return { authid, privateKey };
  return ticket === undefined ? undefined : { authid, ticket };
}
