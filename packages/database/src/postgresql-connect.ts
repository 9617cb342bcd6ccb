import type pg from "pg";
import { codeOf } from "./dialect/error-codes.ts";
import { judgePostgresql } from "./dialect/postgresql-trouble.ts";
import { currentHost, nameHost, noteCurrentHost, readHosts } from "./postgresql-hosts.ts";
import { PostgresqlSession } from "./postgresql-tls.ts";

/** No server of several could be used: why, for each. */
export class NoServer extends AggregateError {
  readonly code: string;
  readonly failures: readonly { readonly host: string; readonly error: Error }[];

  constructor(failures: NoServer["failures"]) {
    const all = failures.map(({ error }) => error);
    super(all, failures.map(({ host, error }) => `${host}: ${error.message || codeOf(error)}`).join("; "));
    // A refusal explains more than the silence of another server.
    const telling = all.find((error) => judgePostgresql(error)?.kind === "refuses") ?? all[0];
    this.code = telling ? codeOf(telling) : "";
    this.failures = failures;
  }
}

/**
 * Opens a session with the database that the URL names. Of several servers it takes the first that accepts writes,
 * beginning with the one of the latest connection. All together have the time that one would have.
 */
export async function connectPostgresql(
  config: pg.ClientConfig & { connectionString: string },
  prepare: (session: PostgresqlSession) => void = ignoreErrors,
): Promise<PostgresqlSession> {
  const { connectionString: url, connectionTimeoutMillis = 10_000 } = config;
  const { urls, mustWrite } = readHosts(url);
  const settings = { ...config, connectionTimeoutMillis: connectionTimeoutMillis / urls.length };
  const first = currentHost(url);
  const failures: { host: string; error: Error }[] = [];
  for (const host of [first, ...urls.filter((each) => each !== first)]) {
    try {
      const session = new PostgresqlSession({ ...settings, connectionString: host });
      prepare(session);
      await session.connect();
      if (mustWrite) await refuseStandby(session, settings.connectionTimeoutMillis);
      noteCurrentHost(url, host);
      return session;
    } catch (error) {
      if (urls.length === 1 || !(error instanceof Error) || error.name === "UserError") throw error;
      failures.push({ host: nameHost(host), error });
    }
  }
  throw new NoServer(failures);
}

function ignoreErrors(session: PostgresqlSession): void {
  session.on("error", () => {});
}

async function refuseStandby(session: PostgresqlSession, timeoutMs: number): Promise<void> {
  const cut = setTimeout(() => session.cut(), timeoutMs);
  try {
    const { rows } = await session.query<{ closed: boolean }>(
      "select pg_is_in_recovery() or current_setting('default_transaction_read_only')::boolean as closed",
    );
    if (rows[0]?.closed !== false) throw Object.assign(new Error("it is a standby, or read-only"), { code: "25006" });
  } catch (error) {
    void session.end().catch(() => {});
    throw error;
  } finally {
    clearTimeout(cut);
  }
}
