import type { LoadedConfig } from "@multimaster/config";
import { commandLineActor, createTrail } from "@multimaster/data";
import { deleteSessionsNamed, type ListedSession, listSessions } from "@multimaster/database";
import { withCluster } from "./with-cluster.ts";

export type { ListedSession };

/** The sessions that are good. */
export function readSessions(config: LoadedConfig): Promise<ListedSession[]> {
  return withCluster(config, listSessions);
}

/** Ends all sessions of users of this name; returns how many there were. */
export function endSessions(config: LoadedConfig, username: string): Promise<number> {
  return withCluster(config, (database) =>
    database.transaction(async (tx) => {
      const ended = await deleteSessionsNamed(tx, username);
      await createTrail(commandLineActor(), "end sessions", `sessions of ${username}`)(tx);
      return ended;
    }),
  );
}
