import { errors, type UserError } from "@multimaster/core";
import type { Connection } from "@multimaster/database";

/** The sentence for a user whose request failed because of the database; undefined when it failed for another reason. */
export function explainDatabase({ dialect }: Pick<Connection, "dialect">, error: unknown): UserError | undefined {
  const trouble = dialect.findTrouble(error);
  if (!trouble) return undefined;
  return trouble.kind === "absent"
    ? errors.databaseAway({ cause: error })
    : errors.databaseRefuses(trouble.reason, { cause: error });
}
