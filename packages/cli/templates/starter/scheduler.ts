/** What is built when. */
import { defineScheduling, env } from "@multimaster/config";
import gitPoller from "@multimaster/plugins/change-sources/git-poller";
import anyBranch from "@multimaster/plugins/schedulers/any-branch";
import force from "@multimaster/plugins/schedulers/force";

// Set REPOSITORY, or write the URL of your git repository here, and every new commit is built.
const repository = env("REPOSITORY");

export default defineScheduling({
  changeSources: repository ? [gitPoller({ repository, branches: true, pollInterval: "1m" })] : [],
  schedulers: [
    // Builds each change as it comes in. Wait for a quiet moment instead with treeStableTimer: "30s".
    anyBranch({ name: "every-commit", builders: ["hello"] }),
    // Lets people start builds.
    force({ name: "force", builders: ["hello"] }),
  ],
});
