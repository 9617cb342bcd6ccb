import { type LockUseConfig, lockUses } from "@multimaster/config";
import type { ConfiguredBuilder } from "../builds/configured-builder.ts";

/** What the config of a builder says of the locks of its builds. */

/** Whether builds of this builder have locks. */
export const hasLocks = ({ config }: ConfiguredBuilder): boolean =>
  typeof config.locks === "function" || config.locks.length > 0;

export const isNamedByFunction = ({ config }: ConfiguredBuilder): boolean => typeof config.locks === "function";

/** What a builder's locks are for every build. */
export const fixedUses = ({ config }: ConfiguredBuilder): readonly LockUseConfig[] =>
  typeof config.locks === "function" ? [] : lockUses.parse(config.locks);

/** What identifies a lock, of builds on this worker. */
export const keyOf = ({ lock }: LockUseConfig, workerName: string): string =>
  `${lock.scope === "worker" ? workerName : ""}/${lock.name}`;
