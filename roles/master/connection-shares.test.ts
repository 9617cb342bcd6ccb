import { expect, it } from "vitest";
import { roleNames } from "../index.ts";
import { connectionsOf, connectionsOfMain } from "./connection-shares.ts";

it("the threads of a master have no more connections together than it may have, and one at least", () => {
  for (const roles of [roleNames, ...roleNames.map((name) => [name])]) {
    for (const all of [4, 5, 10, 50]) {
      const each = roles.map((name) => connectionsOf(name, roles, all));
      expect(Math.min(...each)).toBeGreaterThanOrEqual(1);
      expect(each.reduce((sum, n) => sum + n, connectionsOfMain(all))).toBeLessThanOrEqual(Math.max(all, 5));
    }
  }
  expect(connectionsOf("builder-engine", ["builder-engine"], 10)).toBe(8);
  expect(connectionsOf("ui", roleNames, 1)).toBe(1);
});
