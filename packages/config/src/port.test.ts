import { describe, expect, it } from "vitest";
import { portChoice } from "./port.ts";

describe("a port of a config", () => {
  it.each([
    [9989, [9989]],
    [0, [0]],
    [
      [9989, 9991],
      [9989, 9991],
    ],
    ["9989-9992", [9989, 9990, 9991, 9992]],
    ["8010, 8012-8013,8010", [8010, 8012, 8013]],
  ])("%j means %j, in this order", (given, ports) => {
    expect(portChoice.parse(given)).toEqual(ports);
  });

  it.each([-1, 65_536, 1.5, Number.NaN, "80", "", "http", "9992-9989", "9989-70000", [], [0, 1], ["80"], [80.5], {}])(
    "%j is refused in a sentence that says what is right",
    (given) => {
      expect(portChoice.safeParse(given).error?.issues.map((issue) => issue.message)).toEqual([
        expect.stringContaining('a range such as "9989-9992"'),
      ]);
    },
  );
});
