import { duration, type Json } from "@multimaster/core";
import { z } from "zod";

/** A source stamp of a build request. */
export interface RequestSource {
  readonly codebase: string;
  readonly repository: string;
  readonly project: string;
  readonly branch: string | null;
  readonly revision: string | null;
}

/** A pending build request, as functions of a config see it. */
export interface PendingRequestFacts {
  readonly buildrequestid: number;
  readonly builder: string;
  readonly priority: number;
  /** Seconds since 1970. */
  readonly submittedAt: number;
  readonly reason: string;
  /** A running build waits for it. */
  readonly waitedFor: boolean;
  readonly sources: readonly RequestSource[];
  /** Properties of its buildset, by name. */
  readonly properties: Readonly<Record<string, Json>>;
}

/** A worker that could take a build now, as functions of a config see it. */
export interface FreeWorkerFacts {
  readonly name: string;
  /** "posix" or "nt". */
  readonly system: string;
  /** The properties that the config gives it. */
  readonly properties: Readonly<Record<string, Json>>;
  /** How many builds it runs, and how many it may run. */
  readonly builds: number;
  readonly maxBuilds: number;
}

/** What a command printed that a worker was asked to run. */
export interface ProbeResult {
  /** Exit code; null if it has none, such as after its time limit. */
  readonly code: number | null;
  /** Standard output and standard error, at most 64 KiB. */
  readonly output: string;
}

/** A worker that `canStart` is asked about. */
export interface ProbedWorker extends FreeWorkerFacts {
  /**
   * Runs a command on the worker, outside of any build: a text is run by a shell, a list as it is. It is killed after
   * `timeout` (10 s by default). Fails if the worker cannot run it.
   */
  probe(
    command: string | readonly string[],
    options?: { readonly timeout?: z.input<typeof duration> },
  ): Promise<ProbeResult>;
}

/** A builder with pending requests, as functions of a config see it. */
export interface PendingBuilderFacts {
  readonly name: string;
  /** The highest priority among its pending requests, and since when the first of these waits, in seconds since 1970. */
  readonly priority: number;
  readonly waitsSince: number;
  /** When its last build began, in seconds since 1970; null: it has never been built. */
  readonly lastBuildAt: number | null;
  /** How many of its builds run on this engine. */
  readonly running: number;
}

const again = duration.optional();

/** What `canStart` and `accepts` may return. */
export const startAnswer = z.union([
  z.boolean(),
  z.string().min(1),
  z.strictObject({ refused: z.string().min(1), askAgainIn: again }),
]);

/** Yes, no, no with the reason, or no with the reason and the time after which the function is called again. */
export type StartAnswer = z.input<typeof startAnswer>;

export type CanStart = (request: PendingRequestFacts, worker: ProbedWorker) => StartAnswer | Promise<StartAnswer>;
export type Accepts = (request: PendingRequestFacts) => StartAnswer;
export type NextWorker = (workers: readonly FreeWorkerFacts[], request: PendingRequestFacts) => string | undefined;
export type RequestOrder = (requests: readonly PendingRequestFacts[]) => readonly PendingRequestFacts[];
export type BuilderOrder = (builders: readonly PendingBuilderFacts[]) => readonly PendingBuilderFacts[];

/** A schema for an option that is a function. */
export function functionOf<F>(what: string) {
  return z.custom<F>((value) => typeof value === "function", { error: `must be ${what}` });
}

const retryCauses = ["exception", "machine", "lost", "failure"] as const;

/** When a build that ended badly is run again. */
export const retryRule = z.strictObject({
  on: z
    .array(z.enum(retryCauses))
    .min(1)
    .describe(
      'How the build ended: "machine" (its worker lacked disk space, memory or files), "exception" (any other), "lost" (with its worker or engine), "failure".',
    ),
  text: z
    .instanceof(RegExp, { error: "must be a regular expression" })
    .optional()
    .describe("Only if the build's state text matches."),
  times: z
    .int()
    .positive()
    .max(20)
    .default(2)
    .describe(
      "How often a request is run again by this builder's rules. Lost builds count for `maxEngineDeaths` and `maxWorkerLosses` instead.",
    ),
  delay: duration.prefault("1m").describe("How long the request waits before it is run again."),
});

export type RetryRule = z.output<typeof retryRule>;
export type RetryCause = (typeof retryCauses)[number];

/** Options of a builder that decide which of its requests starts next, and where. */
export const builderStartShape = {
  order: z
    .union([
      z.enum(["oldest first", "newest first"]),
      functionOf<RequestOrder>("a function (requests) => all of them in order"),
    ])
    .default("oldest first")
    .describe(
      "Which of its pending requests of the highest priority starts first, or a function that returns all of them in order. See who-goes-first.md.",
    ),
  canStart: functionOf<CanStart>("a function (request, worker) => true, or why not")
    .optional()
    .describe("Asked before a request starts on a worker; it may be asynchronous, and run a command on the worker."),
  nextWorker: functionOf<NextWorker>("a function (workers, request) => the name of one of them")
    .optional()
    .describe("Chooses among the free workers; the one with the fewest builds by default."),
  weight: z.int().nonnegative().default(1).describe("How much of a worker's `capacity` one of its builds takes."),
  retry: z
    .array(retryRule)
    .default([])
    .describe("Builds that are run again although they ended; the first rule that fits counts."),
} as const;
