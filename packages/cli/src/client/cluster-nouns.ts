import { errors, UserError } from "@multimaster/core";
import type { Order } from "@multimaster/data";

/** What only this project's masters tell: of the cluster as a whole, its masters, and why something waits. */
export interface Reason {
  readonly kind: string;
  readonly sentence: string;
}

/** A build request that waits. */
export interface Waiting {
  readonly buildrequestid: number;
  readonly builder: string;
  readonly priority: number;
  readonly since: number;
  readonly reasons: readonly Reason[];
}

/** Changes that a scheduler has not asked builds for yet. */
export interface WaitingChanges {
  readonly scheduler: string;
  readonly branch: string | null;
  readonly changeids: readonly number[];
  readonly since: number;
  readonly reasons: readonly Reason[];
}

export interface Member {
  readonly masterid: number;
  readonly name: string;
  readonly alive: boolean;
  readonly buildbot: boolean;
  readonly state: string;
  readonly roles: readonly string[];
  readonly builder_sets: readonly string[];
  readonly release: string;
  readonly data_version: number;
  readonly host: string;
  readonly pid: number;
  readonly epoch: number;
  readonly lease_remaining: number;
  readonly orders: readonly Order[];
}

export interface Cluster {
  readonly data_version: number;
  readonly requests_waiting: number;
}

/** Reads what a master of an older release, or of Buildbot, does not have. */
export async function readIfTold<T>(url: string, what: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof UserError && error.code === "NOT_FOUND" && /invalid path/i.test(error.message))
      throw errors.uiTooOld(url, what);
    throw error;
  }
}
