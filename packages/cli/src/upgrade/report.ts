import type { DrainReport } from "@multimaster/operator/upgrade-rows";
import { formatTable } from "../table.ts";
import type { Replacement } from "./plan.ts";

/** The outcome of one old master and its successor. */
export interface ReplacementReport {
  master: string;
  pid: number;
  roles: readonly string[];
  builderSets: readonly string[] | "all";
  /** "running": it was not drained. */
  state: "running" | DrainReport["outcome"];
  drain: DrainReport | null;
  successor: {
    name: string;
    pid: number | null;
    log: string | null;
    state: "not started" | "starting" | "ready" | "ended";
    /** Seconds from the start until it was ready. */
    readyAfter: number | null;
  };
}

export interface UpgradeReport {
  outcome: "planned" | "upgraded" | "undone" | "incomplete";
  /** The present state, in words. */
  sentence: string;
  masters: ReplacementReport[];
}

/** The report before any change. */
export function reportPlan({ old, name, roles, builderSets }: Replacement): ReplacementReport {
  return {
    master: old.name,
    pid: old.pid,
    roles,
    builderSets,
    state: "running",
    drain: null,
    successor: { name, pid: null, log: null, state: "not started", readyAfter: null },
  };
}

export function formatPlan(masters: readonly ReplacementReport[]): string {
  return formatTable(
    ["master", "pid", "roles", "builder sets", "successor"],
    masters.map(({ master, pid, roles, builderSets, successor }) => [
      master,
      pid,
      roles.join(", "),
      !roles.includes("builder-engine") ? "" : builderSets === "all" ? "all of the config" : builderSets.join(", "),
      successor.name,
    ]),
  );
}

export function formatReport(masters: readonly ReplacementReport[]): string {
  return formatTable(
    [
      "master",
      "state",
      "drained in",
      "finished",
      "handed over",
      "retried",
      "lost",
      "successor",
      "state",
      "ready after",
    ],
    masters.map(({ master, state, drain, successor }) => [
      master,
      state,
      drain ? seconds(drain.seconds) : "-",
      ...(["finished", "handedOver", "retried", "lost"] as const).map((outcome) => drain?.requests[outcome] ?? "-"),
      successor.name,
      successor.state,
      successor.readyAfter === null ? "-" : seconds(successor.readyAfter),
    ]),
  );
}

/** Describes a drain in a line, such as "has ended after 2.0 s; of its requests: 1 finished, 0 handed over, …". */
export function describeDrain({ outcome, seconds: after, requests }: DrainReport): string {
  const how = outcome === "ended" ? "has ended" : outcome === "died" ? "is gone" : "is still draining";
  const outcomes = [
    `${requests.finished} finished`,
    `${requests.handedOver} handed over`,
    `${requests.retried} retried`,
    `${requests.lost} lost`,
    ...(requests.running > 0 ? [`${requests.running} running`] : []),
  ];
  return `${how} after ${seconds(after)}; of its requests: ${outcomes.join(", ")}`;
}

export function seconds(value: number): string {
  return `${value.toFixed(1)} s`;
}
