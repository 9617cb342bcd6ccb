import { describe, expect, expectTypeOf, it } from "vitest";
import type { Build } from "../resources/builds.ts";
import type { Order } from "../resources/orders.ts";
import { type Client, formatRead, type Page, readPage, type Topic } from "./client.ts";

describe("the address of a read", () => {
  it("has the parts of the query in the order in which they are written", () => {
    expect(
      formatRead("builders/3/builds", {
        complete: false,
        order: ["-number", "buildid"],
        limit: 20,
        results__in: [2, 4],
        workerid: undefined,
        property: "*",
        field: ["buildid"],
      }),
    ).toBe(
      "builders/3/builds?complete=false&order=-number&order=buildid&limit=20&results__in=2&results__in=4&property=*&field=buildid",
    );
    expect(formatRead("masters", {})).toBe("masters");
  });
});

describe("the answer to a read", () => {
  it("is a page of the requested noun, or nothing", () => {
    expect(readPage("builds", { builds: [{ buildid: 1 }], meta: { total: 7 } })).toEqual({
      items: [{ buildid: 1 }],
      total: 7,
    });
    expect(readPage("steps", { steps: [], meta: {} })).toEqual({ items: [], total: 0 });
    expect(readPage("steps", { builds: [] })).toBeUndefined();
  });
});

/** `tsc` checks this: each line marked as an error fails the check once it compiles. */
describe("a read or an action", () => {
  const client: Client = {
    one: async () => ({}) as never,
    list: async () => ({ items: [], total: 0 }),
    call: async () => [1, {}] as never,
  };

  it("has the type of the noun that it names", async () => {
    expectTypeOf(await client.list("builds", "builds")).toEqualTypeOf<Page<Pick<Build, keyof Build>>>();
    const [first] = (await client.list("builds", "builders/1/builds", { field: ["buildid", "number"] })).items;
    expectTypeOf(first).toEqualTypeOf<{ buildid: number; number: number } | undefined>();
    // @ts-expect-error: this field was not requested
    expect(first?.results).toBeUndefined();
    // @ts-expect-error: builds have no such field
    expect((await client.one("builds", "builds/1")).owner).toBeUndefined();
    expectTypeOf(await client.call("masters", "masters/1", "drain", {})).toEqualTypeOf<Order>();
    expectTypeOf((await client.call("builds", "builds/1", "rebuild", {}))[0]).toEqualTypeOf<number>();
  });

  it("does not compile with a noun, a path or a field that does not exist", async () => {
    // @ts-expect-error: the noun is "builds"
    await client.list("build", "builds");
    // @ts-expect-error: the path is "builders/1/builds"
    await client.list("builds", "builder/1/builds");
    // @ts-expect-error: these are logs
    await client.list("builds", "steps/1/logs");
    // @ts-expect-error: builds have no such field
    await client.list("builds", "builds", { field: ["owner"] });
    // @ts-expect-error: builds cannot be ordered by it
    await client.list("builds", "builds", { order: "-owner" });
    // @ts-expect-error: builds cannot be filtered by it
    await client.list("builds", "builds", { owner: "ann" });
    // @ts-expect-error: builds have no such action
    await client.call("builds", "builds/1", "cancel", {});
    // @ts-expect-error: the parameter is a text
    await client.call("builds", "builds/1", "stop", { reason: 7 });
  });
});

/** The same. */
describe("a topic", () => {
  it("is one that a noun declares, with ids or stars, and an event of it or a star", () => {
    expectTypeOf<"builds/*/finished">().toExtend<Topic>();
    expectTypeOf<`builders/${number}/builds/*/*`>().toExtend<Topic>();
    expectTypeOf<"steps/7/logs/*/append">().toExtend<Topic>();
    expectTypeOf<`builds/${string}/finished`>().not.toExtend<Topic>();
  });

  it("does not compile with a noun, a variable or an event that does not exist", () => {
    // @ts-expect-error: the event is "finished"
    expectTypeOf<"builds/*/finish">().toExtend<Topic>();
    // @ts-expect-error: a build request ends with "complete"
    expectTypeOf<"buildrequests/*/finished">().toExtend<Topic>();
    // @ts-expect-error: the noun is "builds"
    expectTypeOf<"build/*/finished">().toExtend<Topic>();
    // @ts-expect-error: builders have builds
    expectTypeOf<"builders/*/build/*/new">().toExtend<Topic>();
    // @ts-expect-error: a topic ends with an event
    expectTypeOf<"builds/*">().toExtend<Topic>();
  });
});
