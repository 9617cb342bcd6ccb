/** The schedulers: what is built, and when. */
import { defineScheduling, env } from "@multimaster/config";
import gitPoller from "@multimaster/plugins/change-sources/git-poller";
import anyBranch from "@multimaster/plugins/schedulers/any-branch";
import force from "@multimaster/plugins/schedulers/force";

// Set REPOSITORY, or write the URL of your git repository here; then every new commit is built.
const repository = env("REPOSITORY");

export default defineScheduling({
  changeSources: repository ? [gitPoller({ repository, branches: true, pollInterval: "1m" })] : [],
  schedulers: [
    // Builds each change when it arrives. To wait for a pause between changes instead, set treeStableTimer: "30s".
    anyBranch({ name: "every-commit", builders: ["hello"] }),
    // Lets users start builds.
    force({ name: "force", builders: ["hello"] }),
  ],
});
