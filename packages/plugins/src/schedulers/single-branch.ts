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

const className = "SingleBranchScheduler";

const options = z
  .strictObject({
    ...changeShape,
    branch: z.string().nullable().optional().describe("The branch it follows; null follows changes without one."),
  })
  .refine(({ branch, changeFilter }) => branch !== undefined || changeFilter !== undefined, {
    path: ["branch"],
    message: "must name the branch, unless a changeFilter selects the changes",
  })
  .superRefine(checkTimers);

/** Builds the changes of one branch, each separately or once the tree is stable. */
export default defineScheduler({
  type: "single-branch",
  className,
  options,
  followsChanges: true,
  builderNames: namedBuilders,
  warnings: (options) => [...warningsOfChoice(options), ...warningsOfChangeFunctions(options, "nothing is ever built")],
  start: async (ctx, options) =>
    startChangeDriven(ctx, {
      className,
      options,
      concerns: ({ branch }) => options.branch === undefined || branch === options.branch,
      lineOf: () => "",
      perBranch: false,
    }),
});
