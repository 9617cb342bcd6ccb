import type { Connection } from "@multimaster/database";
import { insertOutboxEntries } from "./outbox.ts";

/** A buildset begins: its row and its requests are written in this transaction. */
export async function noteBuildset(tx: Connection, bsid: number, requests: number): Promise<void> {
  await insertOutboxEntries(tx, [{ kind: "buildset-started", objectid: bsid, facts: { requests } }]);
}
