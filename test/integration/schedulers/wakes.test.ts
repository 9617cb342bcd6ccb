import { defineScheduler } from "@multimaster/plugins";
import { expect, it } from "vitest";
import { z } from "zod";
import { startSchedulerCluster } from "../../harness/scheduler-masters.ts";
import { waitFor } from "../../harness/wait-for.ts";

it("an event wakes only the schedulers that it concerns", async () => {
  const wakes: string[] = [];
  const counting = (
    name: string,
    more: { followsChanges?: boolean; followsRequests?: boolean; triggerable?: boolean },
  ) =>
    defineScheduler({
      type: name,
      className: "Counting",
      options: z.object({ name: z.string() }),
      followsChanges: false,
      ...more,
      builderNames: () => [],
      start: async () => ({ wake: () => void wakes.push(name), stop: async () => {} }),
    })({ name });
  const cluster = await startSchedulerCluster("sqlite");
  const schedulers = [
    counting("changes", { followsChanges: true }),
    counting("requests", { followsRequests: true }),
    counting("triggers", { triggerable: true }),
  ];
  await (await cluster.add({ schedulers })).start();
  await waitFor(async () => Object.keys(await cluster.holders()).length === 3, { what: "the claims" });
  const { updates } = cluster.data;
  const stamp = { branch: "main", revision: null, repository: "r", project: "", codebase: "" };
  const { requests } = await updates.buildsets.add({
    reason: "",
    sourceStamps: [stamp],
    builders: ["b"],
    scheduler: null,
  });
  wakes.length = 0;
  await updates.buildrequests.cancel(Object.values(requests)[0] as number, "not needed");
  await waitFor(() => wakes.length > 0, { what: "a wake-up by the request" });
  await updates.changes.add({ author: "dev", comments: "", branch: "main", revision: "r1", repository: "r" });
  await waitFor(() => wakes.includes("changes"), { what: "a wake-up by the change" });
  expect(new Set(wakes)).toEqual(new Set(["requests", "changes"]));
});
