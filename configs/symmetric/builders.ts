import { defineBuilders, env } from "@multimaster/config";
import git from "@multimaster/plugins/steps/git";
import shell from "@multimaster/plugins/steps/shell";

const repourl = env("REPOSITORY", ".");
const workers = Array.from({ length: 10 }, (_, i) => `worker-${i + 1}`);

export default defineBuilders({
  builders: [
    {
      name: "compile",
      workers,
      steps: [git({ repourl }), shell({ name: "compile", command: env("COMPILE", "make") })],
    },
    { name: "test", workers, steps: [git({ repourl }), shell({ name: "test", command: env("TEST", "make test") })] },
  ],
});
