import { setTimeout as sleep } from "node:timers/promises";
import type { Diagram } from "./diagram.ts";
import { waitFor } from "./wait-for.ts";

/** A request of a user that did not get what it asked for. */
export interface Failure {
  at: string;
  what: string;
  how: string;
}

/** People and programs that use the cluster through the users' balancer, all the time. */
export interface Load {
  /** Requests over HTTP until now, and those that failed. */
  requests(): number;
  readonly failures: readonly Failure[];
  /** When each forced build request was acknowledged, by its id, in milliseconds since the epoch. */
  readonly forced: ReadonlyMap<number, number>;
  commits(): number;
  /** Asks for nothing more; resolves when everything that was asked for has ended. */
  finish(): Promise<void>;
}

export interface LoadOptions {
  /** Mean time between forced builds; commits and forced parents come less often. */
  forceEveryMs?: number;
  commitEveryMs?: number;
  parentEveryMs?: number;
  /** Time between reads. */
  readEveryMs?: number;
}

const reads = ["builders", "builds?limit=10&order=-buildid", "masters", "workers", "buildrequests?complete=0&limit=20"];

/** Begins immediately. */
export function startLoad(diagram: Diagram, options: LoadOptions = {}): Load {
  const { forceEveryMs = 1000, commitEveryMs = 4000, parentEveryMs = 5000, readEveryMs = 100 } = options;
  const { cluster, url } = diagram;
  const failures: Failure[] = [];
  const forced = new Map<number, number>();
  const stop = new AbortController();
  let requests = 0;
  let commits = 0;

  async function ask(what: string, path: string, init?: RequestInit): Promise<unknown> {
    requests += 1;
    try {
      const response = await fetch(new URL(`api/v2/${path}`, url), { ...init, signal: AbortSignal.timeout(60_000) });
      const text = await response.text();
      if (response.status === 200) return JSON.parse(text);
      failures.push({ at: new Date().toISOString(), what, how: `${response.status} ${text.slice(0, 200)}` });
    } catch (error) {
      const cause = error instanceof Error && error.cause instanceof Error ? `: ${error.cause.message}` : "";
      failures.push({ at: new Date().toISOString(), what, how: `${String(error)}${cause}` });
    }
    return undefined;
  }

  async function force(builder: string): Promise<void> {
    const body = { jsonrpc: "2.0", id: 1, method: "force", params: { builderNames: [builder], reason: "load" } };
    const init = { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
    const answer = (await ask(`force ${builder}`, "forceschedulers/force", init)) as
      | { result: [number, Record<string, number>] }
      | undefined;
    for (const id of Object.values(answer?.result[1] ?? {})) forced.set(id, Date.now());
  }

  async function every(ms: number, act: () => Promise<unknown>): Promise<void> {
    while (!stop.signal.aborted) {
      await act();
      await sleep(ms * (0.5 + Math.random()), undefined, { signal: stop.signal }).catch(() => {});
    }
  }

  let next = 0;
  const going = [
    every(forceEveryMs, () => force("job")),
    every(parentEveryMs, () => force("parent")),
    every(commitEveryMs, async () => {
      cluster.repository.commit({ files: { "change.txt": String(++commits) } });
    }),
    every(readEveryMs, () => ask("read", reads[next++ % reads.length] as string)),
  ];

  return {
    requests: () => requests,
    failures,
    forced,
    commits: () => commits,
    async finish() {
      stop.abort();
      await Promise.all(going);
      await waitFor(
        async () => {
          const [row] = await cluster.rows<{ open: number; changes: number }>(
            "select (select count(*)::int from buildsets where complete = 0) as open, (select count(*)::int from changes) as changes",
          );
          const unread = await cluster.rows(
            `select 1 from changes c where (select count(*) from mm_scheduler_seen s where s.changeid = c.changeid) = 0
               and c.changeid > (select min(floor) from mm_scheduler_cursors)`,
          );
          return row?.open === 0 && row.changes === commits && unread.length === 0;
        },
        { what: "everything that was asked for to be done", timeoutMs: 180_000, intervalMs: 500 },
      );
    },
  };
}
