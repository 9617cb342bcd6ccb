import { queryRows, readLineHistory, readStrandedBuilders } from "@multimaster/database";
import type { z } from "zod";
import { defineResource, plainFields, type ReadContext } from "../../model/define-resource.ts";
import { identifier, jsonObject, text } from "../../model/field-kinds.ts";
import { type Member, readMembers } from "../members.ts";
import { findProblems } from "./judge-cluster.ts";
import { judgeBus, judgeHistory, judgeRole, judgeSet, type Part } from "./judge-parts.ts";

const shape = {
  /** Such as `database`, `role ui`, `builders web`. */
  part: text,
  /** `database`, `messages`, `role`, `builders`, `problem` or `history`. */
  kind: identifier(16),
  /**
   * `ok`; `single`: it works, and nothing takes over if its only master stops; `starting`; `degraded`: it works in part, or more slowly;
   * `down`; `unknown`: the master that answers cannot tell.
   */
  state: identifier(16),
  sentence: text,
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
  const [members, history, stranded, [newest]] = await Promise.all([
    readMembers(context),
    readLineHistory(connection),
    readStrandedBuilders(connection),
    queryRows<{ id: number | null }>(connection, "select max(id) as id from builds"),
  ]);
  const alive = members.filter((member) => member.alive);
  // The roles and builders of a Buildbot master are not known.
  const own = alive.filter((member) => !member.buildbot);
  const hasForeign = own.length < alive.length;
  const sets = [...new Set(own.flatMap((member) => member.builder_sets))].sort();
  const database = connection.dialect.name === "postgresql" ? "PostgreSQL" : "SQLite";
  const refusal = writes?.refusal;
  const parts: Part[] = [
    refusal
      ? {
          part: "database",
          kind: "database",
          state: "degraded",
          sentence: `${database} answers, but takes no writes: ${refusal.reason}. Running builds wait, and nothing new is accepted.`,
          facts: { engine: connection.dialect.name, since: Math.floor(refusal.since / 1000) },
        }
      : {
          part: "database",
          kind: "database",
          state: "ok",
          sentence: `${database} answers.`,
          facts: { engine: connection.dialect.name },
        },
    judgeBus(bus, alive.length),
    ...roles.map((role) => judgeRole(role, own, hasForeign)),
    ...sets.map((set) => judgeSet(set, own)),
    ...findProblems(members, bus ?? null, { writes, stranded }).flatMap(problemOf(members)),
    judgeHistory(history.below, newest?.id ?? 0),
  ];
  return parts;
}

/** Problems that no other part shows. */
const shownElsewhere: ReadonlySet<string> = new Set(["database_refuses", "bus_degraded", "role_missing"]);

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
        facts: { ...facts, kind },
      },
    ];
  };
}
