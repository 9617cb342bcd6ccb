import { expectTypeOf, it } from "vitest";
import { useRow, useRows } from "./live-query.ts";

/** `tsc` checks this file: each line marked as an error fails the check once it compiles. */
it("what a page reads has the type of the noun that it names, and no other field", () => {
  type Rows = ReturnType<typeof useRows<"builds", "buildid" | "number">>["rows"];
  expectTypeOf<Rows>().toEqualTypeOf<readonly { buildid: number; number: number }[] | undefined>();
  expectTypeOf(useRow<"workers">)
    .parameter(1)
    .toExtend<string | undefined>();
  // @ts-expect-error: the noun is "builds"
  expectTypeOf(useRows<"build">).toBeFunction();
  // @ts-expect-error: builds have no such field
  expectTypeOf(useRows<"builds", "owner">).toBeFunction();
});

it("what a page listens to is an event that some noun has", () => {
  const read = (..._: Parameters<typeof useRows<"builds">>) => {};
  read("builds", "builds", {}, ["builds/*/finished"]);
  // @ts-expect-error: the event is "finished"
  read("builds", "builds", {}, ["builds/*/finish"]);
});
