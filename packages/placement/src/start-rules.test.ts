import { describe, expect, it } from "vitest";
import { listStartable, placeRequests } from "./place-requests.ts";
import type { KeptFor, WorkerView } from "./world.ts";

const builder = (builderid: number, more: object = {}) => ({
  builderid,
  workers: ["a", "b"],
  limit: null,
  running: 0,
  heldLocks: [],
  closedUntil: null,
  directory: `directory ${builderid}`,
  ...more,
});
const worker = (name: string, more: Partial<WorkerView> = {}): WorkerView => ({
  name,
  presence: "attached",
  paused: false,
  quarantined: false,
  onProbation: false,
  leaving: false,
  slots: 10,
  builds: 0,
  directories: new Set(),
  ...more,
});
const requests = (...builderids: number[]) =>
  builderids.map((builderid, i) => ({ buildrequestid: i + 1, builderid, isOnLastTry: false }));
type Builders = Parameters<typeof placeRequests>[1];
function run(wanted: number[], builders: Builders, workers: WorkerView[]) {
  const kept: Record<string, KeptFor> = {};
  const onKept = (name: string, keptFor: KeptFor) => {
    kept[name] = keptFor;
  };
  const placed = placeRequests(requests(...wanted), builders, workers, { runsLastTry: false, onKept });
  return { placed: placed.map(({ request, workerName }) => `${request.buildrequestid}@${workerName}`), kept };
}

describe("weights", () => {
  it("of what runs and what is placed are never more than the worker's capacity", () => {
    const builders = [builder(1, { weight: 2 }), builder(2, { weight: 2 }), builder(3, { weight: 0 }), builder(4)];
    const workers = [worker("a", { capacity: 5, load: 1 })];
    expect(run([1, 2, 3, 4], builders, workers).placed).toEqual(["1@a", "2@a", "3@a"]);
  });

  it("keep the roomiest worker for a heavy request, so that lighter ones behind it do not take it for ever", () => {
    const builders = [builder(1, { weight: 4 }), builder(2), builder(3, { weight: 0 })];
    const workers = [worker("a", { capacity: 4, load: 3 }), worker("b", { capacity: 4, load: 2 })];
    const { placed, kept } = run([1, 2, 2, 3, 1], builders, workers);
    expect(kept).toEqual({ b: { buildrequestid: 1, builderid: 1 } });
    // The one that is kept takes only what weighs nothing.
    expect(placed).toEqual(["2@a", "4@b"]);
    // It is worth reading the heavy request although nothing takes it now.
    expect(listStartable([builder(1, { weight: 4 })], workers)).toHaveLength(1);
    expect(listStartable([builder(1, { weight: 5 })], workers)).toEqual([]);
  });
});

describe("hours", () => {
  it("keep builds from a worker that is closed", () => {
    const workers = [worker("a", { closedUntil: 1_800_000_000 }), worker("b", { builds: 3 })];
    expect(run([1], [builder(1)], workers).placed).toEqual(["1@b"]);
  });
});

describe("functions of the config", () => {
  it("are asked about the best workers first, and only about those that nothing else speaks against", () => {
    const asked: string[] = [];
    const refusesRequest = ({ name }: WorkerView, requestId: number | undefined) => {
      asked.push(`${requestId}@${name}`);
      return name === "b" ? ({ kind: "refused", why: "no" } as const) : undefined;
    };
    const one = builder(1, { workers: ["c", "a", "b"], refusesRequest });
    const workers = [worker("a", { builds: 2 }), worker("b"), worker("c", { paused: true })];
    expect(run([1], [one], workers).placed).toEqual(["1@a"]);
    expect(asked).toEqual(["1@b", "1@a"]);
  });

  it("choose among those that could take the request, until one of them is not refused", () => {
    const offered: string[][] = [];
    const choose = (workers: readonly WorkerView[]) => {
      offered.push(workers.map(({ name }) => name));
      return workers.at(-1);
    };
    const refusesRequest = ({ name }: WorkerView) =>
      name === "b" ? ({ kind: "refused", why: "no" } as const) : undefined;
    expect(
      run([1], [builder(1, { choose, refusesRequest })], [worker("a"), worker("b", { builds: 1 })]).placed,
    ).toEqual(["1@a"]);
    expect(offered).toEqual([["a", "b"], ["a"]]);
    expect(run([1], [builder(1, { choose: () => undefined })], [worker("a")]).placed).toEqual([]);
  });
});
