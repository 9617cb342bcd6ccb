import { setTimeout as sleep } from "node:timers/promises";
import type { TestPostgres } from "../../harness/postgres.ts";

export type SideName = "multimaster" | "buildbot";

/** What a system is started with: both sides get the same. Builders and workers are numbered from 1. */
export interface Scene {
  readonly builders: number;
  readonly workers: number;
  readonly maxBuilds: number;
  /** The only step's command; the bench's workers pretend to run it. */
  readonly command: string;
  /** Builders "locked-1" and so on, beside the others: ten of them share a lock, which every second one names by a function. */
  readonly locked: number;
  /** How long the step of the builder "blocking" computes without waiting. */
  readonly blockSeconds: number;
}

export const scene: Scene = { builders: 1, locked: 0, workers: 20, maxBuilds: 4, command: "true", blockSeconds: 5 };

/** How the work is divided over processes. */
export type Form = "one process" | "split" | "cluster";

export interface StartOptions {
  readonly scene?: Partial<Scene>;
  /** Default: one process. */
  readonly form?: Form;
  /** Default: a new database with the side's schema. */
  readonly database?: string;
  readonly env?: Record<string, string>;
  readonly nodeArgs?: readonly string[];
  /** How long the start may take. */
  readonly timeoutMs?: number;
}

/** A running system of one side. */
export interface System {
  readonly scene: Scene;
  /** Base URL of its pages and its REST API. */
  readonly url: URL;
  /** Where workers connect, of each engine. */
  readonly workerPorts: readonly number[];
  /** Process ids; the first one holds the workers. */
  readonly pids: readonly number[];
  readonly database: string;
  /** From the start of its processes until they were ready. */
  readonly readyMs: number;
  rows<R extends Record<string, unknown>>(sql: string): Promise<R[]>;
  /** Requests a build of each of these builders, as one buildset. */
  force(builders: readonly string[]): Promise<void>;
  /** Delivers a change at the change hook. */
  sendChange(): Promise<void>;
  /** SIGKILL to one of its processes. */
  kill(pid: number): Promise<void>;
  stop(): Promise<void>;
}

/** A system under test. */
export interface Side {
  readonly name: SideName;
  /** As it is shown: with its version. */
  readonly title: string;
  readonly postgres: TestPostgres;
  newDatabase(): Promise<string>;
  start(options?: StartOptions): Promise<System>;
}

export const workerPassword = "secret of the workers";

export const numbered = (name: string, count: number, from = 1): string[] =>
  Array.from({ length: count }, (_, i) => `${name}-${i + from}`);

/** What both sides accept in the same form. */
export function requestsTo(url: URL): Pick<System, "force" | "sendChange"> {
  return {
    async force(builderNames) {
      const body = { jsonrpc: "2.0", id: 1, method: "force", params: { builderNames, reason: "bench" } };
      const answer = await post(new URL("api/v2/forceschedulers/force", url), "application/json", JSON.stringify(body));
      if ("error" in JSON.parse(answer)) throw new Error(`the build was not forced: ${answer}`);
    },
    async sendChange() {
      const fields = { author: "bench", comments: "a change", branch: "main", repository: "https://forge.example/r" };
      await post(
        new URL("change_hook/base", url),
        "application/x-www-form-urlencoded",
        new URLSearchParams(fields).toString(),
      );
    },
  };
}

/** A scheduler publishes its form, and a ui its hooks, a moment after the master is ready: "not found" is asked again. */
async function post(url: URL, type: string, body: string): Promise<string> {
  for (let tries = 1; ; tries++) {
    const answer = await fetch(url, { method: "POST", headers: { "content-type": type }, body });
    const text = await answer.text();
    if (answer.ok) return text;
    if (answer.status !== 404 || tries === 20)
      throw new Error(`${url.pathname} answers ${answer.status}: ${text.slice(0, 300)}`);
    await sleep(250);
  }
}
