import { errors, UserError } from "@multimaster/core";
import { dialects } from "@multimaster/database";

/**
 * The sentence for whatever ended a command because the database refused, such as a missing privilege or a read-only
 * server; undefined for errors of other kinds. What the server said is for the operator, who asked.
 */
export function explainFailure(error: unknown): UserError | undefined {
  if (error instanceof UserError) return error;
  for (const dialect of Object.values(dialects)) {
    const trouble = dialect.findTrouble(error);
    if (trouble) return errors.databaseUnusable(trouble.reason, findServerWords(error), { cause: error });
  }
  return undefined;
}

/** The innermost error's words, without the statement that the driver puts before them. */
function findServerWords(error: unknown): string {
  let inner = error;
  while (inner instanceof Error && inner.cause instanceof Error) inner = inner.cause;
  const message = inner instanceof Error ? inner.message : String(inner);
  return message.slice(message.lastIndexOf(" - ") < 0 ? 0 : message.lastIndexOf(" - ") + 3).replace(/\.$/, "");
}
