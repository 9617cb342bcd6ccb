import { defineBuilders, env } from "@multimaster/config";
import git from "@multimaster/plugins/steps/git";
import shell from "@multimaster/plugins/steps/shell";

export default defineBuilders({
  builders: [
    {
      name: "db-tests",
      description: "The database team's tests",
      tags: ["db"],
      project: "db",
      workers: ["db-1", "db-2"],
      steps: [
        git({ repourl: env("REPOSITORY", ".") }),
        shell({ name: "tests", command: env("DB_TESTS", "make test") }),
      ],
    },
  ],
});
