import type { LoadedConfig } from "@multimaster/config";
import { describeCause } from "@multimaster/core";
import { checkPrivileges, checkSchema, type Database, queryRows } from "@multimaster/database";
import { type Finding, findingsOf } from "./finding.ts";

const { ok, warning, failed } = findingsOf("database");

/** Seconds by which the clocks of a host and of the database may differ. */
const smallSkew = 2;
/** Milliseconds of one question and its answer: a build asks about 25 times. */
const slowAnswer = 20;
const questions = 9;
/** A master's connections besides `databaseConnections`: its lease, and wake-ups. */
const connectionsBeside = 2;

/** What a master needs of its database. */
export async function examineDatabase({ shared }: LoadedConfig, database: Database): Promise<Finding[]> {
  const found = [await examineSchema(database), await examineAnswers(database), await examineClock(database)];
  if (database.dialect.name !== "postgresql") return found;
  return [...found, ...(await examineServer(database, shared.databaseConnections))];
}

async function examineSchema(database: Database): Promise<Finding> {
  try {
    await checkSchema(database);
    await checkPrivileges(database);
    return ok(`${database.describe} has the tables of this release, and its user may read and write them`);
  } catch (error) {
    return failed(
      describeCause(error),
      'see docs/database.md; "master upgrade-database" makes tables that are missing',
    );
  }
}

async function examineAnswers(database: Database): Promise<Finding> {
  const times: number[] = [];
  for (let n = 0; n < questions; n++) {
    const begun = performance.now();
    await database.sql.run("select 1");
    times.push(performance.now() - begun);
  }
  const median = times.sort((a, b) => a - b)[(questions - 1) / 2] as number;
  const seen = `it answers in ${median.toFixed(1)} ms`;
  return median > slowAnswer
    ? warning(seen, "move masters and database closer together: each build asks about 25 times")
    : ok(seen);
}

async function examineClock(database: Database): Promise<Finding> {
  const before = Date.now() / 1000;
  const [row] = await queryRows<{ now: number }>(database, `select ${database.dialect.now} as now`);
  const skew = (row as { now: number }).now - (before + Date.now() / 1000) / 2;
  const side = skew > 0 ? "behind" : "ahead of";
  return Math.abs(skew) > smallSkew
    ? warning(
        `the clock of this host is ${Math.abs(skew).toFixed(1)} s ${side} the database's`,
        "run NTP on both: leases go by the database's clock, log lines by the host's",
      )
    : ok("its clock and that of this host agree");
}

interface Server {
  version: number;
  standby: boolean;
  read_only: string;
  durable: string;
  fsync: string;
  statement_timeout: string;
  most: number;
  used: number;
  masters: number;
}

async function examineServer(database: Database, connections: number): Promise<Finding[]> {
  const [row] = await queryRows<Server>(
    database,
    `select current_setting('server_version_num')::int as version, pg_is_in_recovery() as standby,
       current_setting('default_transaction_read_only') as read_only, current_setting('synchronous_commit') as durable,
       current_setting('fsync') as fsync, current_setting('statement_timeout') as statement_timeout,
       current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int as most,
       (select count(*)::int from pg_stat_activity where backend_type = 'client backend') as used,
       (select count(*)::int from masters where active = 1) as masters`,
  );
  const server = row as Server;
  return [
    server.version >= 150_000
      ? ok(`it is PostgreSQL ${Math.floor(server.version / 10_000)}`)
      : failed(`it is PostgreSQL ${Math.floor(server.version / 10_000)}`, "use PostgreSQL 15 or newer"),
    ...(server.standby || server.read_only === "on"
      ? [failed("it takes no writes", "name the primary in the URL, or set default_transaction_read_only to off")]
      : []),
    ...(server.fsync === "off" || server.durable === "off"
      ? [warning("a crash of its host may lose what was acknowledged", "set fsync and synchronous_commit to on")]
      : []),
    ...(server.statement_timeout === "0"
      ? []
      : [
          warning(
            `it ends statements after ${server.statement_timeout}`,
            "set no statement_timeout for the masters' role: an upgrade or a large audit takes longer",
          ),
        ]),
    examineConnections(server, connections),
    ...(await examineDeadRows(database)),
  ];
}

function examineConnections({ most, used, masters }: Server, connections: number): Finding {
  const needed = Math.max(masters, 1) * (connections + connectionsBeside);
  const who = masters > 1 ? `${masters} masters take` : "one master takes";
  const seen = `of ${most} connections ${used} are in use; ${who} up to ${needed}`;
  return needed > most ? warning(seen, "raise max_connections, or lower databaseConnections in the config") : ok(seen);
}

async function examineDeadRows(database: Database): Promise<Finding[]> {
  const tables = await queryRows<{ name: string; dead: number }>(
    database,
    `select relname as name, n_dead_tup::float8 as dead from pg_stat_user_tables
     where schemaname = current_schema() and n_dead_tup > 100000 and n_dead_tup > n_live_tup order by 2 desc limit 3`,
  );
  return tables.map(({ name, dead }) =>
    warning(
      `table ${name} has ${dead} dead rows, more than live ones`,
      "look for long transactions (select * from pg_stat_activity order by xact_start), then vacuum it",
    ),
  );
}
