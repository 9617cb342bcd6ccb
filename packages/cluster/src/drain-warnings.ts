import { buildersOfMaster, type Connection, execute, fitText, longest, queryRows, upsert } from "@multimaster/database";
import { describePending, readStrandedBuilders } from "./pending-builders.ts";

/** What a master that leaves hands over to no one. */
export interface Stranded {
  /** In sentences; undefined when other masters take everything. */
  warning: string | undefined;
  /** Pending requests, of these builders if some are named. */
  requests: number;
  /** Its roles that no other live master has. */
  roles: readonly string[];
}

const consequences: Readonly<Record<string, string>> = {
  "builder-engine": "no builds are started",
  scheduler: "changes and times start no builds",
  ui: "pages, REST and hooks do not answer",
};

/** What nobody else could take if this master, or one role of it, were gone. */
export async function readStranded(
  connection: Connection,
  masterid: number,
  roles: readonly string[],
  builderids?: readonly number[],
): Promise<Stranded> {
  const elsewhere = await readOtherRoles(connection, masterid);
  const missing = roles.filter((role) => !elsewhere.has(role));
  const pending = roles.includes("builder-engine") ? await readStrandedBuilders(connection, masterid) : [];
  const own = new Set(builderids ?? (await buildersOfMaster(connection, masterid)));
  const stranded = pending.filter(({ builderid }) => own.has(builderid));
  const sentences = missing.map(
    (role) => `No other live master has the role ${role}: ${consequences[role] ?? "its work waits"} until one has.`,
  );
  if (stranded.length > 0) {
    const requests = describePending(stranded);
    sentences.push(`No other live master has the builders for which these wait: ${requests}.`);
  }
  return {
    warning: sentences.length > 0 ? sentences.join(" ") : undefined,
    requests: stranded.reduce((sum, { requests }) => sum + requests, 0),
    roles: missing,
  };
}

/** The roles of the live masters that stay. */
async function readOtherRoles(connection: Connection, masterid: number): Promise<ReadonlySet<string>> {
  const rows = await queryRows<{ roles: string }>(
    connection,
    `select roles from mm_leases where masterid <> ? and buried_at is null and ended_at is null
       and state <> 'draining' and expires_at > ${connection.dialect.now}`,
    [masterid],
  );
  return new Set(rows.flatMap(({ roles }) => JSON.parse(roles) as string[]));
}

/** Writes a drain's warning, or takes it away. */
export async function saveDrainWarning(
  connection: Connection,
  orderid: number,
  { warning, ...figures }: { warning: string | undefined; requests?: number; singletons?: number },
): Promise<void> {
  if (warning === undefined) {
    await execute(connection, "delete from mm_drain_warnings where orderid = ?", [orderid]);
    return;
  }
  const row = {
    orderid,
    warning: fitText(warning, longest.sentence),
    requests_stranded: figures.requests ?? null,
    singletons_stranded: figures.singletons ?? null,
  };
  await upsert(connection, { table: "mm_drain_warnings", rows: [row], key: ["orderid"] });
}
