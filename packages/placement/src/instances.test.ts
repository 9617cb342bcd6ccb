import { describe, expect, it } from "vitest";
import { countStarts, judgeLatent, viewInstanceFrom } from "./instances.ts";

const facts = { buildrequestid: null, state: "running", attachedTo: 2, attachedFor: 1, builds: 0 } as const;

describe("an instance, as engine 1 sees it before it starts another one", () => {
  it.each([
    ["has just attached to another engine", facts, "starting"],
    ["builds for another engine", { ...facts, builds: 1 }, "running"],
    ["has been at another engine for long", { ...facts, attachedFor: 6 }, "running"],
    ["is attached here", { ...facts, attachedTo: 1 }, "running"],
    ["comes back", { ...facts, attachedTo: null, attachedFor: 60 }, "starting"],
    ["ends", { ...facts, state: "stopping" as const }, "stopping"],
  ])("that %s", (_what, row, state) => {
    expect(viewInstanceFrom(1, row).state).toBe(state);
  });

  it("is started once for one request", () => {
    const latent = {
      name: "l",
      minInstances: 0,
      maxInstances: 5,
      parallelStarts: 5,
      slots: 1,
      failure: null,
      retryIn: 0,
    };
    const count = (row: typeof facts | { readonly builds: number }) =>
      countStarts({ ...latent, instances: [viewInstanceFrom(1, { ...facts, ...row })] }, 1);
    expect(count(facts)).toBe(0);
    expect(count({ builds: 1 })).toBe(1);
  });
});

describe("why no further instance is started", () => {
  const latent = { name: "l", minInstances: 0, maxInstances: 2, parallelStarts: 1, slots: 1, instances: [] };
  const starting = { state: "starting", buildrequestid: null } as const;
  it.each([
    ["nothing", { failure: null, retryIn: 0 }, undefined],
    ["the wait after a failure", { failure: "no image", retryIn: 3 }, { kind: "start_failed", retryIn: 3 }],
    [
      "the failure, also when that wait is over",
      { failure: "no image", retryIn: -1 },
      { kind: "start_failed", retryIn: 0 },
    ],
    [
      "a further attempt, with the failure of the one before",
      { failure: "no image", retryIn: -1, instances: [starting] },
      { kind: "instance_starting", failure: "no image" },
    ],
  ])("%s", (_, more, obstacle) => {
    const judged = judgeLatent({ ...latent, ...more });
    if (obstacle === undefined) expect(judged).toBeUndefined();
    else expect(judged).toMatchObject(obstacle);
  });
});
