import type { LoopSign } from "@multimaster/cluster";
import type { ClusterConfig, LoadedConfig } from "@multimaster/config";
import type { Clock, Logger, Registry, Service } from "@multimaster/core";
import type { Data } from "@multimaster/data";

/** What a role's services work with. Roles meet only in rows and topics, never through this. */
export interface RoleContext<Own> {
  /** This master's identity in the cluster. */
  readonly master: { readonly name: string; readonly masterid: number };
  /** The role's own slice, and what all masters share. */
  readonly config: { readonly own: Own; readonly shared: ClusterConfig; readonly directory: string };
  readonly data: Data;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Registry;
  /** Where a role shows what the event loop is about to do, should it never come back from it. */
  readonly loop: LoopSign;
  /** Aborts when this master's lease is lost: what runs under it ends at once, and writes nothing more. */
  readonly lost: AbortSignal;
  /** Says where a service listens: in the log, and to whoever shows this master to people. */
  listening(service: string, url: string): void;
  /** True when the master can take work, otherwise the reasons why not; health endpoints answer with it. */
  ready(): true | string[];
}

/** A role: its name, the slice of the config that it loads, and its services in the order in which they start. */
export interface Role<Own> {
  readonly name: string;
  /** Loads and checks only what this role needs; a role that is not started never evaluates its files. */
  loadSlice(config: LoadedConfig, selection: { builderSets: readonly string[] | "all" }): Promise<Own>;
  /** Everything the role runs, in start order. What is not in this list does not run. */
  services(context: RoleContext<Own>): readonly Service[];
}

/** Types a role; `roles/index.ts` lists them. */
export function defineRole<Own>(role: Role<Own>): Role<Own> {
  return role;
}
