import { expect, it } from "vitest";
import { explainLatent } from "./explain-latent.ts";

const latent = {
  name: "pool",
  minInstances: 0,
  maxInstances: 2,
  parallelStarts: 1,
  slots: 1,
  failure: null,
  retryIn: 0,
  instances: [],
  workers: [],
  startWords: null,
  heldLocks: [],
};
const starting = { state: "starting", buildrequestid: null } as const;
const failing = "The last start of an instance of pool failed: no image; the next attempt is";

it.each([
  ["is due", {}, "An instance of the latent worker pool is about to be started."],
  [
    "may wait for a lock that is held",
    { heldLocks: ["db"] },
    "An instance of the latent worker pool is about to be started, unless its builder needs that lock: db is held now.",
  ],
  ["has failed", { failure: "no image", retryIn: 2.5 }, `${failing} in 3 s.`],
  ["has failed and is tried again now", { failure: "no image", retryIn: -1 }, `${failing} due now.`],
  [
    "is tried again",
    { failure: "no image", retryIn: -1, instances: [starting] },
    "An instance of the latent worker pool is starting; the last start failed: no image.",
  ],
  [
    "takes long, with what the instance has written",
    { instances: [starting], startWords: "the master refused the password" },
    "An instance of the latent worker pool is starting; its log ends with: the master refused the password.",
  ],
])("says that a start %s", (_, more, sentence) => {
  expect(explainLatent({ ...latent, ...more }).sentence).toBe(sentence);
});
