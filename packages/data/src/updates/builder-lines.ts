import { noteHistory } from "@multimaster/lifecycle";
import type { UpdateContext } from "./update-context.ts";

export interface BuilderLineUpdates {
  /**
   * Puts a piece of the builds that ended without being noted where they belong; resolves to whether there may be more. Every
   * master's loop runs it.
   */
  noteHistory(): Promise<boolean>;
}

export function createBuilderLineUpdates({ database }: UpdateContext): BuilderLineUpdates {
  return { noteHistory: () => noteHistory(database) };
}
