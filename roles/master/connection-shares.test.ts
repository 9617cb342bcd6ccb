import { expect, it } from "vitest";
import { roleNames } from "../index.ts";
import { connectionsOfMain, connectionsOfThread } from "./connection-shares.ts";

it("the threads of a master have no more connections together than it may have, and one at least", () => {
  for (const withThreads of [roleNames, ["builder-engine"], []]) {
    for (const all of [3, 4, 5, 10, 50]) {
      const each = withThreads.map((name) => connectionsOfThread(name, roleNames, all));
      each.push(connectionsOfMain(withThreads, roleNames, all));
      expect(Math.min(...each)).toBeGreaterThanOrEqual(1);
      expect(each.reduce((sum, n) => sum + n)).toBeLessThanOrEqual(Math.max(all, 4));
    }
  }
  expect(connectionsOfMain([], ["builder-engine"], 10)).toBe(10);
  expect(connectionsOfThread("ui", roleNames, 1)).toBe(1);
});
