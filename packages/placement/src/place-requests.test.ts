import { describe, expect, it } from "vitest";
import { listStartable, placeRequests } from "./place-requests.ts";
import type { WorkerView } from "./world.ts";

const builder = (builderid: number, workers: string[], limit: number | null = null) => ({
  builderid,
  workers,
  limit,
  running: 0,
  heldLocks: [],
  closedUntil: null,
  directory: `directory ${builderid}`,
});
const worker = (name: string, free = 1, builds = 0, ...directories: string[]): WorkerView => ({
  name,
  presence: "attached",
  paused: false,
  quarantined: false,
  leaving: false,
  slots: builds + free,
  builds,
  directories: new Set(directories),
});
const requests = (...builderids: number[]) => builderids.map((builderid, i) => ({ buildrequestid: i + 1, builderid }));
const shown = (picks: ReturnType<typeof placeRequests>) =>
  picks.map((pick) => `${pick.request.buildrequestid}@${pick.workerName}`);

describe("placing requests", () => {
  it("keeps the order of the requests, over all builders", () => {
    expect(shown(placeRequests(requests(2, 1), [builder(1, ["a"]), builder(2, ["a"])], [worker("a")]))).toEqual([
      "1@a",
    ]);
  });

  it("lets a request without a free worker hold back nobody", () => {
    expect(
      shown(placeRequests(requests(1, 1, 2), [builder(1, ["a"]), builder(2, ["b"])], [worker("a"), worker("b")])),
    ).toEqual(["1@a", "3@b"]);
  });

  it("gives the least busy worker, and fills each up to its slots", () => {
    const workers = [worker("a", 2, 1), worker("b", 2, 0)];
    const builders = [1, 2, 3, 4, 5].map((id) => builder(id, ["a", "b"]));
    expect(shown(placeRequests(requests(1, 2, 3, 4, 5), builders, workers))).toEqual(["1@b", "2@a", "3@b", "4@a"]);
  });

  it("lets only one build at a time work in a directory", () => {
    const shared = { ...builder(3, ["a"]), directory: "directory 1" };
    const builders = [builder(1, ["a", "b"]), builder(2, ["a"]), shared];
    const workers = [worker("a", 5), worker("b", 5, 0, "directory 1")];
    expect(shown(placeRequests(requests(1, 1, 2, 3), builders, workers))).toEqual(["1@a", "3@a"]);
    const busy = worker("a", 5, 1, "directory 1");
    expect(listStartable(builders, [busy]).map((one) => one.builderid)).toEqual([2]);
  });

  it("keeps to the builder's own limit", () => {
    const workers = [worker("a", 5), worker("b", 5)];
    const builders = [builder(1, ["a", "b"], 1), builder(2, ["a", "b"])];
    expect(shown(placeRequests(requests(1, 1, 2), builders, workers))).toEqual(["1@a", "3@b"]);
  });

  it("knows which builders could start anything at all", () => {
    const builders = [builder(1, ["a"]), builder(2, ["b"]), builder(3, ["a"], 0), builder(4, ["elsewhere"])];
    expect(listStartable(builders, [worker("a"), worker("b", 0)]).map((one) => one.builderid)).toEqual([1]);
  });
});
