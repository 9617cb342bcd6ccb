import type { TestPostgres } from "../../harness/postgres.ts";
import type { LimitName, Row, Size } from "../measure.ts";
import { bareHttp, bareMemory, bareProcess, bareTransfer } from "./node.ts";
import { bareClaims, bareCommits, bareInserts } from "./postgres.ts";

/** What the machine and its PostgreSQL can do at most, without any CI master. */
export interface Limit {
  readonly row: Omit<Row, "limit" | "goal">;
  run(postgres: TestPostgres, size: Size): Promise<number>;
}

export const limits: Record<LimitName, Limit> = {
  commits: {
    row: { name: "commits", title: "commits of pgbench, 4 clients", unit: "per s", better: "more" },
    run: (postgres, size) => bareCommits(postgres, 4, size.pick(2, 5)),
  },
  commit: {
    row: { name: "commit", title: "one commit of pgbench, 1 client", unit: "ms", better: "less" },
    run: async (postgres, size) => 1000 / (await bareCommits(postgres, 1, size.pick(2, 5))),
  },
  claims: {
    row: { name: "claims", title: "raw SKIP LOCKED claims, in the same batches", unit: "per s", better: "more" },
    run: (postgres, size) => bareClaims(postgres, size.pick(20_000, 100_000)),
  },
  http: {
    row: { name: "http", title: "answers of a bare HTTP server of Node", unit: "per s", better: "more" },
    run: (_postgres, size) => bareHttp(size.pick(1000, 3000)),
  },
  insert: {
    row: { name: "insert", title: "64 kB values inserted one by one", unit: "MB/s", better: "more" },
    run: (postgres, size) => bareInserts(postgres, size.pick(50, 200)),
  },
  transfer: {
    row: { name: "transfer", title: "one answer of a bare HTTP server of Node", unit: "MB/s", better: "more" },
    run: () => bareTransfer(200),
  },
  process: {
    row: { name: "process", title: "start and end of an empty Node process", unit: "s", better: "less" },
    run: () => bareProcess(),
  },
  memory: {
    row: { name: "memory", title: "memory of an empty Node process", unit: "MB", better: "less" },
    run: () => bareMemory(),
  },
};
