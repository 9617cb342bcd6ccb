import { expect, it } from "vitest";
import { createListSharing } from "./share-lists.ts";

it("equal lists become one, and others stay as they are", () => {
  const share = createListSharing();
  const [ab, ba, abc] = [
    ["a", "b"],
    ["b", "a"],
    ["a", "b", "c"],
  ] as const;
  const shared = [ab, ba, abc, ["a", "b"], ["b", "a"]].map((list) => share([...list]));
  expect(shared).toEqual([ab, ba, abc, ab, ba]);
  expect(new Set(shared).size).toBe(3);
});
