import type { Order } from "@multimaster/data";

/** What the cluster's own resources answer (`waiting`, `members`, `cluster`), beyond those that Buildbot has. */
export interface Reason {
  readonly kind: string;
  readonly sentence: string;
}

export interface WaitingRequest {
  readonly buildrequestid: number;
  readonly builderid: number;
  readonly builder: string;
  readonly priority: number;
  readonly since: number;
  readonly reasons: readonly Reason[];
}

export interface WaitingChanges {
  readonly schedulerid: number;
  readonly scheduler: string;
  readonly branch: string | null;
  readonly changeids: readonly number[];
  readonly since: number;
  readonly until: number | null;
  readonly reasons: readonly Reason[];
}

export interface Stall {
  readonly began_at: number;
  readonly ended_at: number | null;
  readonly duration_ms: number | null;
  readonly steps: readonly { readonly builder: string; readonly step: string; readonly buildid: number }[];
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
  readonly host: string;
  readonly pid: number;
  readonly joined_at: number | null;
  readonly lease_remaining: number;
  readonly builds_running: number;
  readonly workers_attached: number;
  readonly singletons_held: number;
  readonly stalled: boolean;
  readonly latest_stall: Stall | null;
  readonly worst_stall: Stall | null;
  readonly orders: readonly Order[];
}

export interface ClusterState {
  readonly state: "healthy" | "degraded" | "upgrading";
  readonly problems: readonly Reason[];
  readonly releases: readonly string[];
  readonly data_version: number;
  readonly masters_alive: number;
  readonly masters_draining: number;
  readonly builds_running: number;
  readonly workers_attached: number;
  readonly requests_waiting: number;
}
