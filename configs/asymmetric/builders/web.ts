import { defineBuilders, env, interpolate } from "@multimaster/config";
import git from "@multimaster/plugins/steps/git";
import shell from "@multimaster/plugins/steps/shell";

export default defineBuilders({
  builders: [
    {
      name: "web-tests",
      description: "The web team's tests",
      tags: ["web"],
      project: "web",
      workers: ["web-1", "web-2"],
      steps: [
        git({ repourl: env("REPOSITORY", ".") }),
        shell({ name: "revision", command: interpolate("echo building ${got_revision} of ${branch:-main}") }),
        shell({ name: "tests", command: env("WEB_TESTS", "make test") }),
      ],
    },
  ],
});
