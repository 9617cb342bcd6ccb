import { closeSync, openSync, readSync, statSync } from "node:fs";
import { join } from "node:path";
import type { TestPostgres } from "./postgres.ts";

type Server = Pick<TestPostgres, "psql">;

/** A node of a plan as PostgreSQL reports it, with what it really did. */
export interface PlanNode {
  readonly "Node Type": string;
  readonly "Relation Name"?: string;
  readonly "Actual Rows": number;
  readonly "Actual Loops": number;
  readonly "Rows Removed by Filter"?: number;
  readonly "Rows Removed by Index Recheck"?: number;
  readonly "Shared Hit Blocks": number;
  readonly "Shared Read Blocks": number;
  readonly Plans?: readonly PlanNode[];
}

/** A statement that was really sent, and how the server ran it. */
export interface RanStatement {
  readonly "Query Text": string;
  readonly Plan: PlanNode;
}

/** What a server needs for its plans to be read. */
export const settingsForPlans = {
  shared_preload_libraries: "auto_explain",
  logging_collector: "on",
  log_destination: "jsonlog",
  log_directory: "plans",
  log_filename: "plans.log",
  log_rotation_size: 0,
  log_rotation_age: 0,
};

/** Reads the plans of all statements that any client sends while something is done. */
export async function readPlans(postgres: Server, act: () => Promise<unknown>): Promise<RanStatement[]> {
  const [row] = await postgres.psql<{ directory: string }>("select current_setting('data_directory') as directory");
  const file = join((row as { directory: string }).directory, "plans", "plans.json");
  await explain(postgres, true);
  const from = statSync(file).size;
  await act();
  await explain(postgres, false);
  return readFrom(file, from).split("\n").flatMap(parseLine);
}

/** Sessions that are open take the new setting over before their next statement. */
async function explain(postgres: Server, wanted: boolean): Promise<void> {
  for (const [name, value] of [
    ["log_min_duration", wanted ? "0" : "-1"],
    ["log_analyze", "on"],
    ["log_buffers", "on"],
    ["log_timing", "off"],
    ["log_format", "json"],
    ["log_nested_statements", "on"],
  ])
    await postgres.psql(`alter system set auto_explain.${name} = '${value}'`);
  await postgres.psql("select pg_reload_conf()");
  // The server's first process passes it on; whoever has it shows that it was.
  for (;;) {
    const [now] = await postgres.psql<{ value: string }>(
      "select current_setting('auto_explain.log_min_duration') as value",
    );
    if ((now?.value === "0") === wanted) return;
  }
}

function readFrom(file: string, from: number): string {
  const length = statSync(file).size - from;
  const buffer = Buffer.alloc(length);
  const descriptor = openSync(file, "r");
  readSync(descriptor, buffer, 0, length, from);
  closeSync(descriptor);
  return buffer.toString();
}

function parseLine(line: string): RanStatement[] {
  if (!line.includes("plan:")) return [];
  const { message } = JSON.parse(line) as { message: string };
  const start = message.indexOf("plan:");
  return [JSON.parse(message.slice(start + "plan:".length)) as RanStatement];
}

export const nodesOf = (plan: PlanNode): PlanNode[] => [plan, ...(plan.Plans ?? []).flatMap(nodesOf)];

/** Rows that its scans read, wanted or not; without the entries of indexes that bitmaps are made of. */
export function rowsRead({ Plan }: RanStatement): number {
  return nodesOf(Plan)
    .filter((node) => /Scan/.test(node["Node Type"]) && !/Bitmap Index|Subquery|CTE|Function/.test(node["Node Type"]))
    .reduce((sum, node) => sum + rowsOf(node) * node["Actual Loops"], 0);
}

const rowsOf = (node: PlanNode) =>
  node["Actual Rows"] + (node["Rows Removed by Filter"] ?? 0) + (node["Rows Removed by Index Recheck"] ?? 0);

/** Pages that it touched. */
export const pagesTouched = ({ Plan }: RanStatement): number => Plan["Shared Hit Blocks"] + Plan["Shared Read Blocks"];
