import { describe, expectTypeOf, it } from "vitest";
import type { ActionName, ActionParameters } from "../actions/index.ts";
import type { Build } from "./builds.ts";
import type { EventNameOf, ItemOf, NounName } from "./registry.ts";

/** `tsc` checks this file: each line marked as an error fails the check once it compiles. */
describe("the registry", () => {
  it("knows nouns, objects, events and actions by name", () => {
    expectTypeOf<"builds">().toExtend<NounName>();
    expectTypeOf<"test_result_sets">().toExtend<NounName>();
    // @ts-expect-error: the noun is "builds"
    expectTypeOf<"build">().toExtend<NounName>();
    expectTypeOf<ItemOf<"builds">>().toEqualTypeOf<Build>();
    expectTypeOf<EventNameOf<"logs">>().toEqualTypeOf<"new" | "append" | "finished">();
    expectTypeOf<EventNameOf<"cluster">>().toBeNever();
    expectTypeOf<ActionName<"builds">>().toEqualTypeOf<"stop" | "rebuild" | "keep" | "release" | "comment">();
    expectTypeOf<ActionName<"logs">>().toBeNever();
  });

  it("knows the parameters of each action as a client sends them", () => {
    expectTypeOf<{ reason: string }>().toExtend<ActionParameters<"builds", "stop">>();
    expectTypeOf<{ reason: number }>().not.toExtend<ActionParameters<"builds", "stop">>();
    expectTypeOf<ActionParameters<"schedulers", "enable">>().toEqualTypeOf<{ enabled: boolean }>();
    expectTypeOf<ActionParameters<"masters", "drop_role">["role"]>().toEqualTypeOf<string>();
    expectTypeOf<ActionParameters<"buildrequests", "set_priority">>().toEqualTypeOf<{ priority: number }>();
    // @ts-expect-error: builds have no such action
    expectTypeOf<ActionParameters<"builds", "cancel">>().toBeNever();
  });
});
