import { describePending } from "@multimaster/cluster";
import { findLeast, type Json } from "@multimaster/core";
import type { PendingBuilder } from "@multimaster/database";
import type { BusView, WritesView } from "../../model/define-resource.ts";
import type { Member } from "../members.ts";

export interface Problem {
  readonly kind:
    | "database_refuses"
    | "bus_degraded"
    | "master_expired"
    | "role_missing"
    | "builder_missing"
    | "loop_stalled"
    | "service_failing";
  readonly sentence: string;
  readonly facts: { readonly [name: string]: Json };
}

const needed = [
  ["builder-engine", "no builds are started"],
  ["scheduler", "changes and times start no builds"],
  ["ui", "nobody can look or ask"],
] as const;

/** The problems that an operator should know of, worst first. */
export function findProblems(
  members: readonly Member[],
  bus: BusView | null,
  { writes, stranded = [] }: { writes?: WritesView | undefined; stranded?: readonly PendingBuilder[] } = {},
): Problem[] {
  const alive = members.filter((member) => member.alive);
  const roles = new Set(alive.flatMap((member) => member.roles));
  const { refusal } = writes ?? {};
  return [
    ...(refusal
      ? [
          {
            kind: "database_refuses",
            sentence: `The database takes no writes: ${refusal.reason}. Running builds wait, and nothing new is accepted.`,
            facts: { reason: refusal.reason, since: Math.floor(refusal.since / 1000) },
          } as const,
        ]
      : []),
    // The roles of a Buildbot master are not known.
    ...(alive.some((member) => member.buildbot) ? [] : needed.filter(([role]) => !roles.has(role))).map(
      ([role, consequence]): Problem => ({
        kind: "role_missing",
        sentence: `No live master has the role ${role}: ${consequence}.`,
        facts: { role },
      }),
    ),
    ...members.filter(({ state }) => state === "expired").map(describeExpired),
    ...describeStranded(alive, stranded),
    ...alive.filter(({ stalled }) => stalled).map(describeStalled),
    ...alive.flatMap(describeFailures),
    ...(bus?.state === "degraded"
      ? [
          {
            kind: "bus_degraded",
            sentence: "Messages do not flow: everything goes on, slower, by looking at the rows.",
            facts: { bus: bus.kind, degraded_since: bus.degradedSince },
          } as const,
        ]
      : []),
  ];
}

/** While an engine is replaced, its builders have none for a moment. */
const strandedSeconds = 60;
const mostBuilders = 20;

/** Requests of builders that were renamed or removed: without an engine that has them they wait for ever. */
function describeStranded(alive: readonly Member[], pending: readonly PendingBuilder[]): Problem[] {
  // Without any engine everything waits, and that is said already; one that starts may bring the builders.
  const engines = alive.filter(({ roles, buildbot }) => buildbot || roles.includes("builder-engine"));
  if (engines.length === 0 || engines.some(({ state }) => state === "starting")) return [];
  const stranded = pending.filter(({ waits }) => waits >= strandedSeconds);
  if (stranded.length === 0) return [];
  const requests = stranded.reduce((sum, builder) => sum + builder.requests, 0);
  return [
    {
      kind: "builder_missing",
      sentence: `No live master has the builder for which they wait: ${describePending(stranded)}. Bring it back in the config, or cancel the requests.`,
      facts: {
        requests,
        builders: stranded.slice(0, mostBuilders).map(({ builderid, builder, requests: n }) => ({
          builderid,
          builder,
          requests: n,
        })),
        builders_more: Math.max(0, stranded.length - mostBuilders),
      },
    },
  ];
}

function describeExpired({ masterid, name: master }: Member): Problem {
  return {
    kind: "master_expired",
    sentence: `${master} has not renewed its lease; its claims are released as soon as another master evicts it.`,
    facts: { masterid, master },
  };
}

function describeFailures({ masterid, name: master, failures }: Member): Problem[] {
  return failures.map(({ service, since, cause }) => ({
    kind: "service_failing",
    sentence: `On ${master}, "${service}" has failed since ${new Date(since * 1000).toISOString()}: ${cause}`,
    facts: { masterid, master, service, since, cause },
  }));
}

function describeStalled({ masterid, name: master, latest_stall }: Member): Problem {
  const steps = latest_stall?.steps ?? [];
  const culprits = steps.map(({ builder, step, buildid }) =>
    // A function of the config that decides what starts is no step of a build.
    buildid === 0 ? `"${step}" of builder "${builder}"` : `step "${step}" of builder "${builder}" (build ${buildid})`,
  );
  const who = culprits.length > 0 ? ` while it runs ${culprits.join(" or ")}` : "";
  return {
    kind: "loop_stalled",
    sentence: `The event loop of ${master} is blocked${who}.`,
    facts: { masterid, master, began_at: latest_stall?.began_at ?? null, steps },
  };
}

/** Masters of several releases are there, or all know a newer form of rows than what is written. */
export function isUpgrading(own: readonly Member[], dataVersion: number): boolean {
  const oldest = findLeast(own, ({ data_version }) => data_version) ?? 0;
  return new Set(own.map(({ release }) => release)).size > 1 || (own.length > 0 && oldest > dataVersion);
}
