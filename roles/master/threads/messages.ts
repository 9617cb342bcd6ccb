import type { BusPort } from "@multimaster/bus";
import type { Lease, WriteProbe } from "@multimaster/cluster";
import type { FailedService, FiguresText, MetricFigures, Work } from "@multimaster/core";
import type { Database } from "@multimaster/database";
import type { PackedError } from "./packed-error.ts";

/** What a thread is started with. It loads the config itself, because a config contains functions. */
export interface ThreadData {
  readonly role: string;
  readonly configFile: string;
  readonly builderSets: readonly string[] | "all";
  /** Memory of the `LoopSign` by which others see whether its loop turns. */
  readonly sign: SharedArrayBuffer;
  readonly log: { readonly level: string; readonly bindings: Readonly<Record<string, unknown>> };
}

/** What the role of a thread stands on; the main thread knows. */
export interface Standing extends Pick<WriteProbe, "refusal" | "accepted"> {
  readonly ready: true | string[];
}

/** A term of the role begins. */
export interface BeginTerm {
  readonly do: "begin";
  readonly lease: Lease;
  readonly database: Pick<Database, "pooling" | "exclusive">;
  /** Most connections of the thread. */
  readonly connections: number;
  readonly standing: Standing;
  /** Of a thread that has none yet. */
  readonly bus: BusPort | undefined;
}

/** What the main thread asks for, and is answered. */
export type Call =
  | { readonly do: "load" }
  | BeginTerm
  | { readonly do: "drain" }
  | { readonly do: "resume" }
  /** Nothing but the answer's `state`. */
  | { readonly do: "look" }
  | { readonly do: "measure" }
  /** Loads and checks the config again; `apply` or `discard` follows. */
  | { readonly do: "prepare" }
  | { readonly do: "apply" }
  | { readonly do: "discard" }
  | { readonly do: "stop" }
  /** The term and the thread end. */
  | { readonly do: "close" };

/** What the config said to the thread that loaded it. */
export interface Loaded {
  readonly holdsClaims: boolean;
  /** Of the config's files. */
  readonly hash: string;
  readonly warnings: readonly string[];
  readonly closedDefaults: readonly string[];
}

export type ToThread =
  | { readonly kind: "call"; readonly id: number; readonly call: Call }
  /** A drain in progress gives its work back now. */
  | { readonly kind: "force"; readonly reason: string }
  | { readonly kind: "lost"; readonly database: "in reach" | "out of reach" }
  /** The same master goes on under a new lease. */
  | { readonly kind: "renew"; readonly lease: Lease }
  | { readonly kind: "standing"; readonly standing: Standing }
  | { readonly kind: "figures"; readonly id: number; readonly figures?: FiguresText; readonly error?: PackedError };

/** How the role does. */
export interface RoleState {
  readonly ready: { readonly operators: true | string[]; readonly strangers: true | string[] };
  readonly left: Work;
  readonly failures: readonly FailedService[];
}

export type FromThread =
  | {
      readonly kind: "answer";
      readonly id: number;
      readonly value?: Loaded | MetricFigures;
      readonly error?: PackedError;
      readonly state: RoleState;
    }
  | { readonly kind: "state"; readonly state: RoleState }
  | { readonly kind: "listening"; readonly service: string; readonly url: string }
  | { readonly kind: "log"; readonly line: string }
  /** Asks for the figures of the whole master. */
  | { readonly kind: "figures"; readonly id: number };

/** A role that does not run. */
export const noState: RoleState = {
  ready: { operators: ["the role is starting"], strangers: ["the role is starting"] },
  left: {},
  failures: [],
};
