import { isLeaseOpen } from "@multimaster/database/conditions";

/** A condition on `mm_leases`: the lease is held. It does not ask the clock (docs/decisions/lease-is-lost-when-evicted.md), and needs `mm_leases` without an alias. */
export const leaseIsHeld = `masterid = ? and epoch = ? and ${isLeaseOpen("mm_leases")}`;
