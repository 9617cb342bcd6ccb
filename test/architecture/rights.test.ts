import { type AuthorizationRule, uiSlice } from "@multimaster/config";
import { type ActionName, type NounName, resources } from "@multimaster/data";
import { describe, expect, expectTypeOf, it } from "vitest";

/** The config may not import data, so it has lists of its own: `tsc` and this test hold them to what the resources declare. */
describe("rules about rights", () => {
  it("can name exactly the nouns whose resources say so", () => {
    expectTypeOf<Exclude<AuthorizationRule["on"][number], "*" | "control">>().toExtend<NounName>();
    const accepts = (on: string) =>
      uiSlice.safeParse({ authorization: { rules: [{ allow: "read", on, to: [] }], otherwise: "deny" } }).success;
    expect(resources.filter(({ plural }) => accepts(plural)).map(({ plural }) => plural)).toEqual(
      resources.filter(({ rights }) => rights.isNamed).map(({ plural }) => plural),
    );
    expect(resources.filter(({ rights }) => rights.isNamed).length).toBeGreaterThan(15);
  });

  it("can name exactly the actions that nouns have", () => {
    // `cancel_matching` needs the right to `cancel` each request.
    expectTypeOf<Exclude<AuthorizationRule["allow"][number], "read" | "control" | "*">>().toEqualTypeOf<
      Exclude<ActionName<NounName>, "cancel_matching">
    >();
  });

  it("find what a noun needs among the nouns", () => {
    const nouns = resources.map(({ plural }) => plural);
    expect(new Set(nouns).size).toBe(nouns.length);
    expect(resources.flatMap(({ rights }) => rights.needs).filter((noun) => !nouns.includes(noun))).toEqual([]);
  });
});
