import { errors } from "@multimaster/core/errors";
import type pg from "pg";
import { currentHost } from "./postgresql-hosts.ts";

/** How a connection reaches the server: directly, or through a pooler that gives it a session of its own or does not. */
export type Pooling = "none" | "session" | "transaction";

const modes: readonly string[] = ["none", "session", "transaction"] satisfies readonly Pooling[];

/** What the URL says by `?pooler=`; undefined when it says nothing. */
export function readPooling(url: string): Pooling | undefined {
  const given = new URL(currentHost(url)).searchParams.get("pooler");
  if (given === null) return undefined;
  if (!modes.includes(given)) throw errors.databaseUrlPooler(given, modes);
  return given as Pooling;
}

/**
 * Finds out over an open connection. A pooler introduces itself with a process of its own making, which is not the one
 * that answers; in which mode it works it does not tell, so nothing is taken for granted that a session would keep.
 */
export async function detectPooling(client: pg.Client): Promise<Pooling> {
  const introduced = (client as unknown as { processID: number | null }).processID;
  const answer = await client.query<{ pid: number }>("select pg_backend_pid() as pid");
  return answer.rows[0]?.pid === introduced ? "none" : "transaction";
}
