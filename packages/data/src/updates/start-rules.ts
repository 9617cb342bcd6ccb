import { fencedTransaction } from "@multimaster/cluster";
import { type StartRefusal, saveStartRefusals } from "@multimaster/database";
import type { UpdateContext } from "./update-context.ts";

export type { StartRefusal };

export interface StartRuleUpdates {
  /** Writes what functions of this engine's config refuse, and deletes what they refuse no more (fenced). */
  saveRefusals(found: readonly StartRefusal[], gone: readonly StartRefusal[]): Promise<void>;
}

export function createStartRuleUpdates({ database, lease }: UpdateContext): StartRuleUpdates {
  return {
    saveRefusals: (found, gone) =>
      fencedTransaction(database, lease, (tx) => saveStartRefusals(tx, lease, { found, gone })),
  };
}
