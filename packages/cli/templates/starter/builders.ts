/** The builders of one set: their workers and their steps. */
import { defineBuilders, env } from "@multimaster/config";
import git from "@multimaster/plugins/steps/git";
import shell from "@multimaster/plugins/steps/shell";

const repository = env("REPOSITORY");

export default defineBuilders({
  builders: [
    {
      name: "hello",
      // The second one is in workers.ts.
      workers: env("WORKER_PASSWORD") ? ["local", "worker-1"] : ["local"],
      steps: [
        // Clones on the worker, and checks out the build's revision.
        ...(repository ? [git({ repourl: repository })] : []),
        shell({ name: "hello", command: "echo hello from $(hostname)" }),
        // A list is run without a shell; timeouts and the environment are options too.
        shell({ name: "list", command: ["ls", "-la"], timeout: "10m" }),
      ],
    },
  ],
});
