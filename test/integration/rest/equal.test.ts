import { type Data, describeApi } from "@multimaster/data";
import { queryRows } from "@multimaster/database";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { isLong } from "../../harness/long-form.ts";
import { seedRecorded } from "../../harness/rest-recordings.ts";
import { startRestServer } from "../../harness/rest-server.ts";
import { engines, newDatabase } from "../../harness/test-databases.ts";

interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly schema: { readonly items?: { readonly type?: string; readonly enum?: readonly string[] } };
}

/** Lists with what is in the recordings, by URL and by template. */
const lists: readonly (readonly [path: string, template: string])[] = [
  ["builds", "/builds"],
  ["builders/1/builds", "/builders/{builderid}/builds"],
  ["workers/1/builds", "/workers/{workerid}/builds"],
  ["buildrequests", "/buildrequests"],
  ["buildsets", "/buildsets"],
  ["builders", "/builders"],
  ["workers", "/workers"],
  ["changes", "/changes"],
  ["sourcestamps", "/sourcestamps"],
  ["projects", "/projects"],
  ["schedulers", "/schedulers"],
  ["builds/1/steps", "/builds/{buildid}/steps"],
  ["builds/3/tests", "/builds/{buildid}/tests"],
  ["tests/failing", "/tests/failing"],
  ["tests/1/runs", "/tests/{testid}/runs"],
  ["waiting", "/waiting"],
  ["forceschedulers", "/forceschedulers"],
];

const { paths } = describeApi({ title: "", version: "", server: "" }) as unknown as {
  paths: Record<string, { get: { parameters: readonly Parameter[] } }>;
};

const values: Readonly<Record<string, readonly string[]>> = {
  integer: ["-1", "0", "1", "2", "3", "4", "50", "1795318000", "99999999999", "99999999999999999999"],
  boolean: ["true", "false", "1", "off"],
  string: ["", "a", "A", "main", "hello", "slow", "%", "_", "\\", "build successful", "é", "'", "100% of A_B"],
};

/** A query of one list: filters, orders, a page, fields; each is known to the list. */
const anyQuery = fc.constantFrom(...lists).chain(([path, template]) => {
  const parameters = paths[template]?.get.parameters ?? [];
  const items = (name: string) => parameters.find((each) => each.name === name)?.schema.items?.enum ?? [];
  const filters = parameters.filter(
    ({ name, schema }) => !["field", "order", "property", "limit", "offset"].includes(name) && schema.items?.type,
  );
  const filter = fc.constantFrom(...filters).chain(({ name, schema }) =>
    fc
      .array(fc.constantFrom(...(values[String(schema.items?.type)] ?? [])), {
        minLength: 1,
        // Comparisons of several values are ignored.
        maxLength: /__[lg][te]$/.test(name) ? 1 : 2,
      })
      .map((chosen) => chosen.map((value) => [name, value] as const)),
  );
  const count = (name: string) => fc.option(fc.integer({ min: 0, max: 4 }).map((n) => [[name, String(n)] as const]));
  return fc
    .tuple(
      fc.array(filter, { maxLength: 2 }),
      fc.subarray([...items("order")], { maxLength: 2 }).map((names) => names.map((name) => ["order", name] as const)),
      count("limit"),
      count("offset"),
      fc.subarray([...items("field")]),
    )
    .map(([chosen, orders, limit, offset, fields]) => {
      const pairs = [...chosen.flat(), ...orders];
      // Only what is selected can be filtered and ordered by.
      const needed = pairs.map(([name, value]) => (name === "order" ? value.replace("-", "") : name.split("__")[0]));
      const selected = fields.length === 0 ? [] : [...new Set([...fields, ...needed])];
      const all = [...pairs, ...(limit ?? []), ...(offset ?? []), ...selected.map((name) => ["field", name] as const)];
      return { path, search: all.map(([name, value]) => `${name}=${encodeURIComponent(String(value))}`).join("&") };
    });
});

async function ask(data: Data, path: string, search: string): Promise<unknown> {
  try {
    const answer = await data.rest.get(path.split("/"), new URLSearchParams(search));
    return answer.kind === "envelope" ? { items: answer.items, meta: answer.meta } : answer.kind;
  } catch (error) {
    return (error as Error).message;
  }
}

describe("any query", () => {
  const datas: Data[] = [];
  beforeAll(async () => {
    for (const engine of engines) {
      const database = await newDatabase(engine);
      await seedRecorded(database);
      await queryRows(
        database,
        "insert into buildrequests (id, buildsetid, builderid, priority, complete, results, submitted_at, waited_for) values (50, 5, 3, 7, 0, -1, 1795318000, 0), (51, 5, 3, 7, 0, -1, 1795318000, 0)",
      );
      await queryRows(
        database,
        "insert into builds (id, number, builderid, buildrequestid, masterid, started_at, locks_duration_s, state_string) values (50, 1, 3, 51, 1, 1795318001, 0, '100% of A_B')",
      );
      datas.push((await startRestServer(database)).data);
    }
  });

  it("finds the same on both engines, in the same order", async () => {
    await fc.assert(
      fc.asyncProperty(anyQuery, async ({ path, search }) => {
        const [one, two] = await Promise.all(datas.map((data) => ask(data, path, search)));
        expect(two, `${path}?${search}`).toEqual(one);
        // A value that is no identifier names nothing.
        if (typeof one === "string") expect(one, `${path}?${search}`).toMatch(/^invalid filter value/);
      }),
      { seed: 20261124, numRuns: isLong ? 20_000 : 600 },
    );
  });
});
