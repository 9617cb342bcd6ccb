import {
  queryRows,
  readFreeSpace,
  readLineHistory,
  readReporterHealth,
  readRetentionHealth,
  readStrandedBuilders,
} from "@multimaster/database";
import type { z } from "zod";
import { defineResource, plainFields, type ReadContext } from "../../model/define-resource.ts";
import { identifier, jsonObject, text } from "../../model/field-kinds.ts";
import { type Member, readMembers } from "../members.ts";
import { findProblems } from "./judge-cluster.ts";
import { judgeBus, judgeConfigs, judgeDatabase, judgeHistory, judgeRole, judgeSet, type Part } from "./judge-parts.ts";
import { judgeDisk, judgeReports, judgeRetention } from "./judge-services.ts";

const shape = {
  /** Such as `database`, `role ui`, `builders web`. */
  part: text,
  /** `database`, `disk`, `messages`, `role`, `builders`, `configs`, `retention`, `reports`, `problem` or `history`. */
  kind: identifier(16),
  /**
   * `ok`; `single`: it works, and nothing takes over if its only master stops; `starting`; `degraded`: it works in part, or more slowly;
   * `down`; `unknown`: the master that answers cannot tell.
   */
  state: identifier(16),
  sentence: text,
  /** What to do about it; null where nothing is wrong, or the sentence says so already. */
  remedy: text.nullable(),
  facts: jsonObject,
};

export type StandingPart = z.output<z.ZodObject<typeof shape>>;

/** The health of each part of the cluster. It is healthy if no part is `degraded`, `down`, `starting` or `unknown`. */
export const standing = defineResource({
  name: "standing_part",
  plural: "standing",
  rights: { needs: ["cluster", "members", "builders"] },
  id: "part",
  fields: plainFields(shape),
  rows: readStanding,
  paths: [{ pattern: "standing", kind: "collection" }],
});

const roles = ["builder-engine", "scheduler", "ui"] as const;

async function readStanding(context: ReadContext): Promise<StandingPart[]> {
  const { connection, bus, writes } = context;
  const [members, history, stranded, [newest], retention, reporters, free] = await Promise.all([
    readMembers(context),
    readLineHistory(connection),
    readStrandedBuilders(connection),
    queryRows<{ id: number | null }>(connection, "select max(id) as id from builds"),
    readRetentionHealth(connection),
    readReporterHealth(connection),
    readFreeSpace(connection),
  ]);
  const alive = members.filter((member) => member.alive);
  // The roles and builders of a Buildbot master are not known.
  const own = alive.filter((member) => !member.buildbot);
  const hasForeign = own.length < alive.length;
  const sets = [...new Set(own.flatMap((member) => member.builder_sets))].sort();
  const parts: Part[] = [
    judgeDatabase(connection.dialect.name, writes?.refusal),
    ...(free === undefined ? [] : [judgeDisk(free)]),
    judgeBus(bus, alive.length),
    ...roles.map((role) => judgeRole(role, own, hasForeign)),
    ...sets.map((set) => judgeSet(set, own)),
    ...(own.length > 1 ? [judgeConfigs(own)] : []),
    judgeRetention(retention),
    judgeReports(reporters),
    ...findProblems(members, bus ?? null, { writes, stranded }).flatMap(problemOf(members)),
    judgeHistory(history.below, newest?.id ?? 0),
  ];
  return parts.map((part) => ({ ...part, remedy: part.remedy ?? null }));
}

/** Problems that no other part shows. */
const shownElsewhere: ReadonlySet<string> = new Set(["database_refuses", "bus_degraded", "role_missing"]);

/** What to do about problems whose sentence does not say it. */
const remedies: Readonly<Record<string, string>> = {
  master_expired: "Look at its host, and at its way to the database.",
  loop_stalled: "docs/blocked-loops.md says how such a step is found and mended.",
  service_failing: "The log of that master has every attempt; a service that works again is reported as such.",
};

function problemOf(members: readonly Member[]) {
  return ({ kind, sentence, facts }: ReturnType<typeof findProblems>[number], i: number): Part[] => {
    if (shownElsewhere.has(kind)) return [];
    const master = members.find(({ masterid }) => masterid === facts["masterid"])?.name;
    return [
      {
        part: master === undefined ? kind : `${kind} ${master} ${i}`,
        kind: "problem",
        state: "degraded",
        sentence,
        ...(remedies[kind] === undefined ? {} : { remedy: remedies[kind] }),
        facts: { ...facts, kind },
      },
    ];
  };
}
