import { defineBuilders, env, interpolate } from "@multimaster/config";
import git from "@multimaster/plugins/steps/git";
import shell from "@multimaster/plugins/steps/shell";

const builders = ["compile", "test"];
const workers = Array.from({ length: 10 }, (_, i) => `worker-${i + 1}`);

export default defineBuilders({
  builders: builders.map((name) => ({
    name,
    workers,
    steps: [
      git({ repourl: env("REPOSITORY", ".") }),
      shell({ name: "make", command: interpolate(env("MAKE", "make ${buildername}")) }),
    ],
  })),
});
