import { type Connection, queryRows } from "@multimaster/database";
import { entity, integer, text } from "../../model/field-kinds.ts";
import { readBuildProperties } from "../build-properties.ts";

/** A property that two builds do not have alike; the JSON of each value, shortened. Null: that build does not have it. */
export const propertyDifference = entity("property_difference", {
  name: text,
  base: text.nullable(),
  build: text.nullable(),
});

/** A step by its name, and its how-manieth of that name, in both builds. Null: that build does not have it, or it runs. */
export const stepTimes = entity("step_times", {
  name: text,
  base_seconds: integer.nullable(),
  base_results: integer.nullable(),
  build_seconds: integer.nullable(),
  build_results: integer.nullable(),
});

interface PropertyDifference {
  name: string;
  base: string | null;
  build: string | null;
}

interface StepTimes {
  name: string;
  base_seconds: number | null;
  base_results: number | null;
  build_seconds: number | null;
  build_results: number | null;
}

const longestValue = 2000;
const mostSteps = 2000;

export async function compareProperties(
  connection: Connection,
  base: number,
  build: number,
): Promise<PropertyDifference[]> {
  const found = await readBuildProperties({ connection, properties: undefined }, [base, build]);
  const jsonOf = (id: number, name: string) => {
    const value = found.get(id)?.[name]?.[0];
    return value === undefined ? null : JSON.stringify(value).slice(0, longestValue);
  };
  const names = new Set([base, build].flatMap((id) => Object.keys(found.get(id) ?? {})));
  return [...names]
    .sort()
    .map((name) => ({ name, base: jsonOf(base, name), build: jsonOf(build, name) }))
    .filter((each) => each.base !== each.build);
}

interface StepRow {
  buildid: number;
  name: string;
  seconds: number | null;
  results: number | null;
}

export async function compareSteps(connection: Connection, base: number, build: number): Promise<StepTimes[]> {
  const wanted = connection.dialect.isOneOf("s.buildid", [base, build]);
  const rows = await queryRows<StepRow>(
    connection,
    `select s.buildid, s.name, s.complete_at - s.started_at as seconds, s.results from steps s
      where ${wanted.sql} order by s.buildid, s.number limit ${2 * mostSteps}`,
    wanted.bindings,
  );
  const ofBase = numberAlike(rows.filter(({ buildid }) => buildid === base));
  const ofBuild = numberAlike(rows.filter(({ buildid }) => buildid === build));
  // In the order of this build; what only the other one has comes last.
  return [...new Set([...ofBuild.keys(), ...ofBase.keys()])].map((key) => {
    const [before, now] = [ofBase.get(key), ofBuild.get(key)];
    return {
      name: now?.name ?? before?.name ?? "",
      base_seconds: before?.seconds ?? null,
      base_results: before?.results ?? null,
      build_seconds: now?.seconds ?? null,
      build_results: now?.results ?? null,
    };
  });
}

/** Steps may have the same name: the second "git" is compared with the second one. */
function numberAlike(rows: readonly StepRow[]): Map<string, StepRow> {
  const seen = new Map<string, number>();
  return new Map(
    rows.map((row) => {
      const nth = (seen.get(row.name) ?? 0) + 1;
      seen.set(row.name, nth);
      return [`${nth} ${row.name}`, row];
    }),
  );
}
