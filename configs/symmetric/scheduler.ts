import { defineScheduling, env } from "@multimaster/config";
import gitPoller from "@multimaster/plugins/change-sources/git-poller";
import force from "@multimaster/plugins/schedulers/force";
import singleBranch from "@multimaster/plugins/schedulers/single-branch";

export default defineScheduling({
  changeSources: [
    gitPoller({ repository: env("REPOSITORY", "."), branches: ["main"], pollInterval: env("POLL_INTERVAL", "1m") }),
  ],
  schedulers: [
    singleBranch({ name: "main", branch: "main", builders: ["compile", "test"] }),
    force({ name: "force", builders: ["compile", "test"] }),
  ],
});
