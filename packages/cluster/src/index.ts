export * from "./claims.ts";
export * from "./config-splits.ts";
export * from "./data-version.ts";
export * from "./drain-master.ts";
export { describePending, readStranded, saveDrainWarning } from "./drain-warnings.ts";
export * from "./drained-requests.ts";
export * from "./eviction.ts";
export * from "./heartbeat.ts";
export * from "./join-cluster.ts";
export {
  fence,
  fencedTransaction,
  isLeaseLoss,
  type Lease,
  LeaseLost,
  requireLease,
} from "./lease.ts";
export { leaseIsHeld } from "./lease-is-held.ts";
export * from "./loop-sign.ts";
export * from "./membership.ts";
export { monotonicMs } from "./monotonic.ts";
export * from "./orders.ts";
export { hasOtherReaders } from "./other-readers.ts";
export * from "./partition-detection.ts";
export * from "./peer-left-hints.ts";
export * from "./upgrade-runs.ts";
export * from "./write-probe.ts";
