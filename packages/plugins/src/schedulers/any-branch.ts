import { z } from "zod";
import { defineScheduler } from "../define-scheduler.ts";
import { startChangeDriven } from "./change-driven.ts";
import {
  changeShape,
  checkTimers,
  namedBuilders,
  warningsOfChangeFunctions,
  warningsOfChoice,
} from "./scheduler-options.ts";

const className = "AnyBranchScheduler";

const options = z
  .strictObject({
    ...changeShape,
    branches: z.array(z.string().nullable()).optional().describe("Branches to build; absent: all."),
  })
  .superRefine(checkTimers);

/** Builds the changes of any number of branches; each branch of a repository has its own tree-stable timer. */
export default defineScheduler({
  type: "any-branch",
  className,
  options,
  followsChanges: true,
  builderNames: namedBuilders,
  warnings: (options) => [...warningsOfChoice(options), ...warningsOfChangeFunctions(options, "nothing is ever built")],
  start: async (ctx, options) =>
    startChangeDriven(ctx, {
      className,
      options,
      concerns: ({ branch }) => options.branches === undefined || options.branches.includes(branch),
      lineOf: ({ branch, project, repository, codebase }) => JSON.stringify([branch, project, repository, codebase]),
      perBranch: true,
    }),
});
