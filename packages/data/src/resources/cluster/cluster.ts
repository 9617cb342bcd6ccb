import { isRequestFree, queryRows, readDataVersion, readStrandedBuilders } from "@multimaster/database";
import type { z } from "zod";
import { defineResource, plainFields, type ReadContext } from "../../model/define-resource.ts";
import { bool, entity, identifier, integer, jsonObject, text } from "../../model/field-kinds.ts";
import { readMembers } from "../members.ts";
import { findProblems, isUpgrading } from "./judge-cluster.ts";

const problem = entity("problem", { kind: identifier(32), sentence: text, facts: jsonObject });

const shape = {
  /** `healthy`, `degraded` (see the problems), or `upgrading`. */
  state: identifier(16),
  problems: problem.array(),
  /** Masters of several releases run side by side, or the newest form of rows is not written yet. */
  upgrading: bool,
  /** Of the live masters. */
  releases: text.array(),
  /** The form of rows that the cluster writes. */
  data_version: integer,
  /** The newest forms that its masters know. */
  data_versions: integer.array(),
  masters_alive: integer,
  masters_draining: integer,
  builds_running: integer,
  workers_attached: integer,
  requests_waiting: integer,
  /** The message bus of the master that answers: `kind`, `state`, `degraded_since`. */
  bus: jsonObject,
};

export type Cluster = z.output<z.ZodObject<typeof shape>>;

/** The cluster in one object. */
export const cluster = defineResource({
  name: "cluster",
  plural: "cluster",
  rights: { needs: ["members", "builds", "buildrequests"] },
  id: "state",
  fields: plainFields(shape),
  rows: async (context) => [await readCluster(context)],
  paths: [{ pattern: "cluster", kind: "single" }],
});

async function readCluster(context: ReadContext): Promise<Cluster> {
  const { connection, bus, writes } = context;
  const [members, dataVersion, stranded, [waiting]] = await Promise.all([
    readMembers(context),
    readDataVersion(connection),
    readStrandedBuilders(connection),
    queryRows<{ n: number }>(connection, `select count(*) as n from buildrequests br where ${isRequestFree("br")}`),
  ]);
  const alive = members.filter((member) => member.alive);
  const own = alive.filter((member) => !member.buildbot);
  const problems = findProblems(members, bus ?? null, { writes, stranded });
  const upgrading = isUpgrading(own, dataVersion);
  const sum = (of: (member: (typeof members)[number]) => number) => alive.reduce((total, each) => total + of(each), 0);
  return {
    state: problems.length > 0 ? "degraded" : upgrading ? "upgrading" : "healthy",
    problems,
    upgrading,
    releases: [...new Set(own.map(({ release }) => release))].sort(),
    data_version: dataVersion,
    data_versions: [...new Set(own.map(({ data_version }) => data_version))].sort((a, b) => a - b),
    masters_alive: alive.length,
    masters_draining: alive.filter(({ state }) => state === "draining").length,
    builds_running: sum(({ builds_running }) => builds_running),
    workers_attached: sum(({ workers_attached }) => workers_attached),
    requests_waiting: waiting?.n ?? 0,
    bus: bus ? { kind: bus.kind, state: bus.state, degraded_since: bus.degradedSince } : {},
  };
}
