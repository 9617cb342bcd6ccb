import { type Connection, queryRows, readSourcedBuilds, type SourcedBuild } from "@multimaster/database";
import { placeOf } from "@multimaster/lifecycle";
import type { z } from "zod";
import { defineResource, plainFields, type ReadContext } from "../../model/define-resource.ts";
import { bool, datetime, entity, identifier, integer, text } from "../../model/field-kinds.ts";
import { rangesBetween, readChangesIn, suspects } from "./changes-between.ts";
import { compareProperties, compareSteps, propertyDifference, stepTimes } from "./compare-builds.ts";
import { compareTests, testDifference } from "./compare-tests.ts";

const mostChanges = 500;

const comparedBuild = entity("compared_build", {
  buildid: integer,
  builderid: integer,
  builder: text,
  number: integer,
  results: integer.nullable(),
  started_at: datetime,
  complete_at: datetime.nullable(),
  source: text,
  revision: text.nullable(),
});

const shape = {
  buildid: integer,
  /** The build that it is compared with. */
  base: comparedBuild,
  build: comparedBuild,
  /** The source of this build is `newer`, `older`, or the `same`; or `unrelated`: of other branches, or it stands nowhere. */
  relation: identifier(16),
  /** What the newer of both has that the older one did not have. */
  changes: suspects,
  /** Only those that differ. */
  properties: propertyDifference.array(),
  tests: testDifference,
  steps: stepTimes.array(),
  /** The base was not chosen by the caller: it is the last build that passed before this one, on the same branches. */
  is_last_good: bool,
};

/** Two builds side by side: changes, properties, tests and the times of steps. */
export const comparisons = defineResource({
  name: "comparison",
  plural: "comparisons",
  rights: { needs: ["builds", "changes", "properties", "steps", "tests"] },
  id: "buildid",
  fields: plainFields(shape),
  rows: async () => [],
  paths: [
    // Lists of at most one: a build may have no last good one.
    { pattern: "builds/n:buildid/compare", kind: "collection", rows: compareWithLastGood },
    { pattern: "builds/n:buildid/compare/n:baseid", kind: "collection", rows: compareWithGiven },
  ],
});

export type Comparison = z.output<typeof comparisons.schema>;

async function compareWithLastGood({ connection, params }: ReadContext): Promise<object[]> {
  const [build] = await readSourcedBuilds(connection, [Number(params["buildid"])]);
  if (!build) return [];
  const goodid = await findLastGood(connection, build);
  if (goodid === undefined) return [];
  const [base] = await readSourcedBuilds(connection, [goodid]);
  return base ? [await compare(connection, base, build, true)] : [];
}

async function compareWithGiven({ connection, params }: ReadContext): Promise<object[]> {
  const ids = [Number(params["buildid"]), Number(params["baseid"])];
  const found = new Map((await readSourcedBuilds(connection, ids)).map((build) => [build.buildid, build]));
  const [build, base] = ids.map((id) => found.get(id));
  return build && base ? [await compare(connection, base, build, false)] : [];
}

/** The last build before this one, by the order of sources, that passed on the same branches. */
async function findLastGood(connection: Connection, build: SourcedBuild): Promise<number | undefined> {
  const place = placeOf(build);
  if (place === undefined) return undefined;
  const rows = await queryRows<{ buildid: number }>(
    connection,
    `select n.buildid from mm_line_builds n
      where n.lineid = (select l.lineid from mm_builder_lines l where l.builderid = ? and l.line_hash = ?)
        and n.good = 1 and (n.position, n.buildid) < (?, ?)
      order by n.position desc, n.buildid desc limit 1`,
    [place.key.builderid, place.key.hash, place.position, build.buildid],
  );
  return rows[0]?.buildid;
}

async function compare(
  connection: Connection,
  base: SourcedBuild,
  build: SourcedBuild,
  isLastGood: boolean,
): Promise<Comparison> {
  const relation = relate(base, build);
  const ranges =
    relation === "newer" ? rangesBetween(base, build) : relation === "older" ? rangesBetween(build, base) : [];
  const [changes, properties, steps, tests, described] = await Promise.all([
    readChangesIn(connection, ranges, mostChanges),
    compareProperties(connection, base.buildid, build.buildid),
    compareSteps(connection, base.buildid, build.buildid),
    compareTests(connection, base.buildid, build.buildid),
    describeBuilds(connection, [base, build]),
  ]);
  return {
    buildid: build.buildid,
    base: described.get(base.buildid) as Comparison["base"],
    build: described.get(build.buildid) as Comparison["build"],
    relation,
    changes,
    properties,
    tests,
    steps,
    is_last_good: isLastGood,
  };
}

function relate(base: SourcedBuild, build: SourcedBuild): string {
  const [from, to] = [placeOf(base), placeOf(build)];
  if (from === undefined || to === undefined || from.key.hash !== to.key.hash) return "unrelated";
  if (to.position === from.position) return "same";
  return to.position > from.position ? "newer" : "older";
}

async function describeBuilds(
  connection: Connection,
  builds: readonly SourcedBuild[],
): Promise<Map<number, Comparison["base"]>> {
  const wanted = connection.dialect.isOneOf(
    "b.id",
    builds.map(({ buildid }) => buildid),
  );
  const rows = await queryRows<Omit<Comparison["base"], "source" | "revision">>(
    connection,
    `select b.id as buildid, b.builderid, bu.name as builder, b.number, b.results, b.started_at, b.complete_at
       from builds b join builders bu on bu.id = b.builderid where ${wanted.sql}`,
    wanted.bindings,
  );
  const sourced = new Map(builds.map((build) => [build.buildid, build]));
  return new Map(
    rows.map((row) => {
      const sources = sourced.get(row.buildid)?.sources ?? [];
      const source = placeOf({ ...(sourced.get(row.buildid) as SourcedBuild) })?.key.source ?? "";
      const revision = sources.flatMap((each) => each.revision ?? []).join(" ") || null;
      return [row.buildid, { ...row, source, revision }];
    }),
  );
}
