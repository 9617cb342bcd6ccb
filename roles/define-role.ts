import type { LoopSign } from "@multimaster/cluster";
import type { ClusterConfig, LoadedConfig, PartKind } from "@multimaster/config";
import type { Clock, FiguresText, Logger, Registry, Service } from "@multimaster/core";
import type { Data } from "@multimaster/data";

/** A role's own slice, and what all masters share. */
export interface RoleConfig<Own> {
  readonly own: Own;
  readonly shared: ClusterConfig;
  readonly directory: string;
}

/** A checked config that a running role takes over. */
export interface NextConfig<Own> extends RoleConfig<Own> {
  /** Whether a thing of this kind and name was added, changed or removed; without a name, whether any of the kind was. */
  hasChanged(kind: PartKind, name?: string): boolean;
}

/** A service of a role. One that works by the config takes over the next one; only the loss of the lease may keep it from that. */
export interface RoleService<Own> extends Service {
  takeConfig?(next: NextConfig<Own>): Promise<void>;
}

/** What a role's services work with. Roles meet only in rows and topics, never through this. */
export interface RoleContext<Own> {
  /** This master's identity in the cluster. */
  readonly master: { readonly name: string; readonly masterid: number };
  /** What the services begin with. */
  readonly config: RoleConfig<Own>;
  readonly data: Data;
  readonly clock: Clock;
  readonly log: Logger;
  /** Where the role registers its own figures. */
  readonly metrics: Registry;
  /** The figures of the whole master, for those who ask at a port of the role. */
  figures(): Promise<FiguresText>;
  /** Shows what the event loop is about to run, in case it blocks. */
  readonly loop: LoopSign;
  /** Aborts when this master's lease is lost: work under the lease ends immediately and writes nothing more. */
  readonly lost: AbortSignal;
  /** Reports where a service listens: in the log, and in the terminal. */
  listening(service: string, url: string): void;
  /** True when the master can take work, otherwise the reasons why not; health endpoints answer with it. */
  ready(): true | string[];
}

/** A role: its name, the slice of the config that it loads, and its services in the order in which they start. */
export interface Role<Own> {
  readonly name: string;
  /** Whether it holds claims under the lease; a role that holds none goes on when its master gets another lease. */
  readonly holdsClaims: boolean;
  /** Loads and checks only what this role needs; a role that is not started never evaluates its files. */
  loadSlice(config: LoadedConfig, selection: { builderSets: readonly string[] | "all" }): Promise<Own>;
  /** All services of the role, in start order. No other service runs. */
  services(context: RoleContext<Own>): readonly RoleService<Own>[];
}

/** Adds types to a role; `roles/index.ts` lists the roles. */
export function defineRole<Own>(role: Role<Own>): Role<Own> {
  return role;
}
