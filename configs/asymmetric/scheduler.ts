import { defineScheduling, env } from "@multimaster/config";
import gitPoller from "@multimaster/plugins/change-sources/git-poller";
import anyBranch from "@multimaster/plugins/schedulers/any-branch";
import force from "@multimaster/plugins/schedulers/force";
import singleBranch from "@multimaster/plugins/schedulers/single-branch";

export default defineScheduling({
  changeSources: [
    gitPoller({ repository: env("REPOSITORY", "."), branches: true, pollInterval: env("POLL_INTERVAL", "1m") }),
  ],
  schedulers: [
    // Waits until no change of main has arrived for a moment, then builds all of them together.
    singleBranch({
      name: "web-main",
      branch: "main",
      treeStableTimer: env("TREE_STABLE", "5s"),
      builders: ["web-tests"],
    }),
    anyBranch({ name: "db-branches", builders: ["db-tests"] }),
    force({ name: "force", builders: ["web-tests", "db-tests"] }),
  ],
});
