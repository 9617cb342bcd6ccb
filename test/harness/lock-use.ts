import type { LockUse } from "@multimaster/data";

/** A lock of the cluster that is wanted alone. */
export const exclusiveUse = (name: string, more: Partial<LockUse> = {}): LockUse => ({
  name,
  workerid: 0,
  max: 1,
  exclusive: true,
  count: 1,
  resources: [],
  keepMs: 600_000,
  ...more,
});
