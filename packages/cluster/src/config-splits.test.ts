import { expect, it } from "vitest";
import { describeSplit, findConfigSplits, splitAfterSeconds } from "./config-splits.ts";

const master = (
  name: string,
  roles: string[],
  configHash: string | null,
  configAge = splitAfterSeconds,
  alive = true,
) => ({
  name,
  roles,
  configHash,
  configAge,
  alive,
});

it("masters of one role with different configs are named, once all have had time to change", () => {
  const split = [master("a", ["ui"], "1".repeat(64)), master("b", ["ui", "scheduler"], "2".repeat(64))];
  const [found] = findConfigSplits([...split, master("c", ["builder-engine"], "3")]);
  expect(found && describeSplit(found)).toBe(
    'Masters of the role ui run different configs: a (11111111); b (22222222). "master reconfig --all" brings all to the config in their files.',
  );
  expect(findConfigSplits([...split, master("c", ["ui"], "2", 10)])).toEqual([]);
  expect(findConfigSplits([master("a", ["ui"], "1"), master("b", ["scheduler"], "2")])).toEqual([]);
  expect(findConfigSplits([master("a", ["ui"], "1"), master("b", ["ui"], "2", 999, false)])).toEqual([]);
  expect(findConfigSplits([master("a", ["ui"], "1"), master("b", ["ui"], null)])).toEqual([]);
});
