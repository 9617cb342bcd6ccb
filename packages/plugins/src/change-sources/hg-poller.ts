import { z } from "zod";
import { defineChangeSource } from "../define-change-source.ts";
import { hgCredentials, hgUrl, isHgName } from "../hg/hg-names.ts";
import { pollerShape, pollRepository } from "../source/poller-options.ts";
import { pollHg } from "./hg-poller/poll-hg.ts";

const options = z.strictObject({
  repository: hgUrl.describe("Address of the repository."),
  branches: z
    .union([z.array(z.string().refine(isHgName, "must be the name of a branch")).min(1), z.literal(true)])
    .default(["default"])
    .describe("Names of branches, or true for all that are open."),
  ...pollerShape,
  workdir: z
    .string()
    .optional()
    .describe("Directory of the local copy; below the master's state directory when absent."),
  credentials: hgCredentials,
});

/** Polls a Mercurial repository for new changesets; each becomes one change, whichever master polls. */
export default defineChangeSource({
  type: "hg-poller",
  className: "HgPoller",
  options,
  nameOf: ({ name, repository }) => name ?? `HgPoller:${repository}`.slice(0, 128),
  async start(ctx, options) {
    return pollRepository(ctx, options, {
      what: options.repository,
      poll: (signal) => pollHg(ctx, options, signal),
    });
  },
});
