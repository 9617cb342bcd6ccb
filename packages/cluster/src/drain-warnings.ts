import {
  buildersOfMaster,
  type Connection,
  execute,
  isLeaseLive,
  longest,
  type PendingBuilder,
  queryRows,
  readStrandedBuilders,
  truncateText,
  upsert,
} from "@multimaster/database";

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

/** What no other master could take if this one, or one role of it, were gone. */
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
    `select roles from mm_leases l
     where l.masterid <> ? and l.state <> 'draining' and ${isLeaseLive("l", connection.dialect.now)}`,
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
    warning: truncateText(warning, longest.sentence),
    requests_stranded: figures.requests ?? null,
    singletons_stranded: figures.singletons ?? null,
  };
  await upsert(connection, { table: "mm_drain_warnings", rows: [row], key: ["orderid"] });
}

const mostNamed = 5;

/** Such as `12 requests of the builders "old" (10) and "older" (2)`. */
export function describePending(builders: readonly PendingBuilder[]): string {
  const requests = builders.reduce((sum, builder) => sum + builder.requests, 0);
  const named = builders.slice(0, mostNamed).map((one) => `"${one.builder}" (${one.requests})`);
  const more = builders.length - named.length;
  const list = more > 0 ? `${named.join(", ")} and ${more} more` : named.join(", ");
  const of = builders.length === 1 ? `of the builder "${builders[0]?.builder}"` : `of the builders ${list}`;
  return `${requests} ${requests === 1 ? "request" : "requests"} ${of}`;
}
