import { z } from "zod";
import { defineScheduler } from "../define-scheduler.ts";
import { commonShape } from "./scheduler-options.ts";

const mebibyte = 1024 * 1024;

const options = z.strictObject({
  name: commonShape.name.max(50),
  builders: z.array(z.string().min(1)).min(1).describe("Names of the builders on which a user may try a difference."),
  properties: commonShape.properties.describe("Properties of its builds; a try may set others, but not these."),
  priority: commonShape.priority,
  branch: z
    .string()
    .min(1)
    .nullable()
    .default(null)
    .describe("The branch if a try names none; null: the repository's own."),
  codebase: z.string().default("").describe("Codebase of the source stamp, as the step that checks it out names it."),
  repository: z.string().default("").describe("Repository of the source stamp; a try cannot name another one."),
  project: z.string().default("").describe("Project of the source stamp."),
  maxPatchSize: z
    .int()
    .positive()
    .max(8 * mebibyte)
    .default(mebibyte)
    .describe("Largest difference in bytes."),
});

/**
 * Builds a user's difference before it is in a repository: `tryScheduler({ name: "try", builders: ["b"] })`, then `master try`. It
 * only publishes what may be tried: any ui master handles a try by itself, so it works while no scheduler master runs.
 */
export default defineScheduler({
  type: "try",
  className: "Try",
  options,
  followsChanges: false,
  builderNames: ({ builders }) => builders,
  async start(ctx, { builders, properties, priority, branch, codebase, repository, project, maxPatchSize }) {
    await ctx.publish({
      kind: "tries",
      tries: {
        builder_names: builders,
        codebase,
        repository,
        project,
        branch,
        max_patch_size: maxPatchSize,
        properties,
        priority,
      },
    });
    return { stop: async () => {} };
  },
});
