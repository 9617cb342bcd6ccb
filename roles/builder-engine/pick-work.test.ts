import { describe, expect, it } from "vitest";
import { listStartable, pickWork } from "./pick-work.ts";

const builder = (builderid: number, workers: string[], free = Number.POSITIVE_INFINITY) => ({
  builderid,
  workers,
  free,
});
const worker = (name: string, free = 1, builds = 0) => ({ name, free, builds });
const requests = (...builderids: number[]) => builderids.map((builderid, i) => ({ buildrequestid: i + 1, builderid }));
const shown = (picks: ReturnType<typeof pickWork>) =>
  picks.map((pick) => `${pick.request.buildrequestid}@${pick.workerName}`);

describe("picking work", () => {
  it("keeps the order of the requests, over all builders", () => {
    expect(shown(pickWork(requests(2, 1), [builder(1, ["a"]), builder(2, ["a"])], [worker("a")]))).toEqual(["1@a"]);
  });

  it("lets a request without a free worker hold back nobody", () => {
    expect(
      shown(pickWork(requests(1, 1, 2), [builder(1, ["a"]), builder(2, ["b"])], [worker("a"), worker("b")])),
    ).toEqual(["1@a", "3@b"]);
  });

  it("gives the least busy worker, and fills each up to its places", () => {
    const workers = [worker("a", 2, 1), worker("b", 2, 0)];
    expect(shown(pickWork(requests(1, 1, 1, 1, 1), [builder(1, ["a", "b"])], workers))).toEqual([
      "1@b",
      "2@a",
      "3@b",
      "4@a",
    ]);
  });

  it("keeps to the builder's own limit", () => {
    expect(shown(pickWork(requests(1, 1, 2), [builder(1, ["a"], 1), builder(2, ["a"])], [worker("a", 5)]))).toEqual([
      "1@a",
      "3@a",
    ]);
  });

  it("knows which builders could start anything at all", () => {
    const builders = [builder(1, ["a"]), builder(2, ["b"]), builder(3, ["a"], 0), builder(4, ["elsewhere"])];
    expect(listStartable(builders, [worker("a"), worker("b", 0)]).map((one) => one.builderid)).toEqual([1]);
  });
});
