import { describe, expect, it } from "vitest";
import type { Path } from "../model/define-resource.ts";
import { builders } from "../resources/builders.ts";
import { builds } from "../resources/builds.ts";
import { steps } from "../resources/steps.ts";
import { parseQuery } from "./parse-query.ts";

const list = { pattern: "builds", kind: "collection" } as const satisfies Path;
const one = { pattern: "builds/n:buildid", kind: "single" } as const satisfies Path;
const lines = { pattern: "logs/n:logid/contents", kind: "lines" } as const satisfies Path;

const parse = (query: string, path: Path = list, resource: Parameters<typeof parseQuery>[1] = builds) =>
  parseQuery(new URLSearchParams(query), resource, path);

describe("a query", () => {
  it("keeps fields, order and range in the order given", () => {
    expect(parse("field=number&field=buildid&order=-number&order=buildid&limit=5&offset=10")).toEqual({
      fields: ["number", "buildid"],
      order: ["-number", "buildid"],
      limit: 5,
      offset: 10,
    });
  });

  it.each([
    ["number=3", { field: "number", operator: "eq", values: [3] }],
    ["number__ge=-3", { field: "number", operator: "ge", values: [-3] }],
    ["results=0&results=1", { field: "results", operator: "eq", values: [0, 1] }],
    ["results__notin=0&results__notin=1", { field: "results", operator: "notin", values: [0, 1] }],
    ["complete=ON", { field: "complete", operator: "eq", values: [true] }],
    ["complete__ne=no", { field: "complete", operator: "ne", values: [false] }],
    ["state_string__contains=a+b%25", { field: "state_string", operator: "contains", values: ["a b%"] }],
    ["started_at__lt=1700000000", { field: "started_at", operator: "lt", values: [1700000000] }],
  ])("reads the filter %s", (query, filter) => {
    expect(parse(query).filters).toEqual([filter]);
  });

  it("reads the elements of a list field by their own type", () => {
    expect(parse("masterids__contains=2&tags__contains=x", list, builders).filters).toEqual([
      { field: "masterids", operator: "contains", values: [2] },
      { field: "tags", operator: "contains", values: ["x"] },
    ]);
  });

  it.each(["number__foo=1", "foo__eq=1", "number__lt=1&number__lt=2", "__eq=1"])("ignores %s", (query) => {
    expect(parse(query)).toEqual({});
  });

  it.each([
    ["field=foo", "no such field 'foo'"],
    ["field=constructor", "no such field 'constructor'"],
    ["order=foo", "no such field 'foo'"],
    ["order=number,buildid", "no such field 'number,buildid'"],
    ["limit=x", "invalid limit"],
    ["limit=", "invalid limit"],
    ["limit=-1", "invalid limit"],
    ["limit=1.5", "invalid limit"],
    ["offset=x", "invalid offset"],
    ["offset=-1", "invalid offset"],
    ["foo=1", "unrecognized query parameter 'foo'"],
    ["toString=1", "unrecognized query parameter 'toString'"],
    ["number=x", "invalid filter value for number"],
    ["number=", "invalid filter value for number"],
    ["complete=maybe", "invalid filter value for complete"],
    ["complete_at__eq=null", "invalid filter value for complete_at__eq"],
    ["properties=x", "invalid filter value for properties"],
    ["state_string=%00", "invalid filter value for state_string"],
    ["field=number&order=buildid", "cannot order on un-selected fields"],
    ["field=number&buildid=1", "cannot filter on un-selected fields"],
  ])("refuses %s: %s", (query, message) => {
    expect(() => parse(query)).toThrow(expect.objectContaining({ message, status: 400 }));
  });

  it("refuses a text that cannot be an identifier", () => {
    expect(() => parse("name=1+2", list, steps)).toThrow("invalid filter value for name");
    expect(parse("name=git-1", list, steps).filters).toHaveLength(1);
  });

  it("of a single object may choose fields and properties, not filter", () => {
    expect(parse("field=number&limit=3&property=owner&property=%00", one)).toEqual({
      fields: ["number"],
      properties: ["owner"],
    });
    expect(() => parse("number=1", one)).toThrow("this is not a collection");
  });

  it("of a text ranges over its lines", () => {
    expect(parse("limit=3&offset=4", lines)).toEqual({ limit: 3, offset: 4 });
  });
});
