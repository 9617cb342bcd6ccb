import { defineScheduling, env } from "@multimaster/config";
import gitPoller from "@multimaster/plugins/change-sources/git-poller";
import anyBranch from "@multimaster/plugins/schedulers/any-branch";
import force from "@multimaster/plugins/schedulers/force";

const builders = ["compile", "test"];

export default defineScheduling({
  changeSources: [
    gitPoller({ repository: env("REPOSITORY", "."), branches: true, pollInterval: env("POLL_INTERVAL", "1m") }),
  ],
  schedulers: [anyBranch({ name: "branches", builders }), force({ name: "force", builders })],
});
