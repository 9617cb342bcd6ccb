import { type LoadedConfig, schedulerSlice } from "@multimaster/config";
import gitPoller from "@multimaster/plugins/change-sources/git-poller";
import singleBranch from "@multimaster/plugins/schedulers/single-branch";
import { describe, expect, it } from "vitest";
import { loadSchedulerSlice } from "./slice.ts";

const config = (slice: unknown) =>
  ({ scheduler: async () => schedulerSlice.parse(slice), placeOf: () => "scheduler.ts" }) as unknown as LoadedConfig;
const main = () => singleBranch({ name: "main", branch: "main", builders: ["b"] });

describe("the scheduler slice", () => {
  it("is what the config says", async () => {
    const slice = await loadSchedulerSlice(config({ schedulers: [main()] }));
    expect(slice.schedulers).toHaveLength(1);
  });

  it("has each name once: two of the same would be one claim", async () => {
    const repository = "https://user:s3cret@example.org/r.git";
    const twice = {
      changeSources: [gitPoller({ repository }), gitPoller({ repository, branches: ["dev"] })],
      schedulers: [main(), main()],
    };
    const error = (await loadSchedulerSlice(config(twice)).catch((e: unknown) => e)) as Error;
    expect(error.message).toContain(
      'changeSources[1].name: the change source "GitPoller:https://example.org/r.git" is already defined at scheduler.ts: changeSources[0]',
    );
    expect(error.message).toContain(
      'schedulers[1].name: the scheduler "main" is already defined at scheduler.ts: schedulers[0]',
    );
  });
});
