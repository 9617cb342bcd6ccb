import { describe, expect, it } from "vitest";
import { isOnLastTry } from "./last-try.ts";
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
  onProbation: false,
  leaving: false,
  slots: builds + free,
  builds,
  directories: new Set(directories),
});
const requests = (...builderids: number[]) =>
  builderids.map((builderid, i) => ({ buildrequestid: i + 1, builderid, isOnLastTry: false }));
const calm = { runsLastTry: false };
const shown = (picks: ReturnType<typeof placeRequests>) =>
  picks.map((pick) => `${pick.request.buildrequestid}@${pick.workerName}`);

describe("placing requests", () => {
  it("keeps the order of the requests, over all builders", () => {
    expect(shown(placeRequests(requests(2, 1), [builder(1, ["a"]), builder(2, ["a"])], [worker("a")], calm))).toEqual([
      "1@a",
    ]);
  });

  it("does not let a request without a free worker delay others", () => {
    expect(
      shown(placeRequests(requests(1, 1, 2), [builder(1, ["a"]), builder(2, ["b"])], [worker("a"), worker("b")], calm)),
    ).toEqual(["1@a", "3@b"]);
  });

  it("chooses the least busy worker, and fills each up to its slots", () => {
    const workers = [worker("a", 2, 1), worker("b", 2, 0)];
    const builders = [1, 2, 3, 4, 5].map((id) => builder(id, ["a", "b"]));
    expect(shown(placeRequests(requests(1, 2, 3, 4, 5), builders, workers, calm))).toEqual([
      "1@b",
      "2@a",
      "3@b",
      "4@a",
    ]);
  });

  it("lets only one build at a time work in a directory", () => {
    const shared = { ...builder(3, ["a"]), directory: "directory 1" };
    const builders = [builder(1, ["a", "b"]), builder(2, ["a"]), shared];
    const workers = [worker("a", 5), worker("b", 5, 0, "directory 1")];
    expect(shown(placeRequests(requests(1, 1, 2, 3), builders, workers, calm))).toEqual(["1@a", "3@a"]);
    const busy = worker("a", 5, 1, "directory 1");
    expect(listStartable(builders, [busy]).map((one) => one.builderid)).toEqual([2]);
  });

  it("keeps to the builder's own limit", () => {
    const workers = [worker("a", 5), worker("b", 5)];
    const builders = [builder(1, ["a", "b"], 1), builder(2, ["a", "b"])];
    expect(shown(placeRequests(requests(1, 1, 2), builders, workers, calm))).toEqual(["1@a", "3@b"]);
  });

  it("starts one request on its last try at a time, and lets it hold back no other", () => {
    const builders = [1, 2, 3].map((id) => builder(id, ["a"]));
    const waiting = requests(1, 2, 3).map((request) => ({ ...request, isOnLastTry: request.builderid < 3 }));
    expect(shown(placeRequests(waiting, builders, [worker("a", 5)], calm))).toEqual(["1@a", "3@a"]);
    expect(shown(placeRequests(waiting, builders, [worker("a", 5)], { runsLastTry: true }))).toEqual(["3@a"]);
  });

  it("knows a last try by the losses before it: the first loss is never the last one of a request that had none", () => {
    const none = { engineDeaths: 0, maxEngineDeaths: 3, workerLosses: 0, maxWorkerLosses: 10 };
    const cases = [
      [none, false],
      [{ ...none, engineDeaths: 1 }, false],
      [{ ...none, engineDeaths: 2 }, true],
      [{ ...none, workerLosses: 9 }, true],
      [{ ...none, engineDeaths: 5, maxEngineDeaths: null }, false],
      [{ ...none, maxEngineDeaths: 1 }, false],
    ] as const;
    for (const [losses, last] of cases) expect(isOnLastTry(losses), JSON.stringify(losses)).toBe(last);
  });

  it("knows which builders could start anything at all", () => {
    const builders = [builder(1, ["a"]), builder(2, ["b"]), builder(3, ["a"], 0), builder(4, ["elsewhere"])];
    expect(listStartable(builders, [worker("a"), worker("b", 0)]).map((one) => one.builderid)).toEqual([1]);
  });
});
