import { z } from "zod";
import { succeeded, type WorkerGit } from "./worker-git.ts";

const pattern = z.string().min(1);

/** Whether, and how, the commit is described by the nearest tag. */
export const describeShape = z
  .union([
    z.boolean(),
    z.strictObject({
      match: pattern.optional().describe("Only tags of this pattern, such as `v*`."),
      exclude: pattern.optional().describe("No tags of this pattern."),
      abbrev: z.int().min(0).max(64).optional().describe("Digits of the hash; 0: only the tag."),
      candidates: z
        .int()
        .min(0)
        .optional()
        .describe("Number of tags that are considered; 0: only a tag of the commit."),
      lightweight: z.boolean().default(true).describe("Tags without a message count, too."),
      firstParent: z.boolean().default(false).describe("Follows only the first parents of merges."),
      long: z.boolean().default(false).describe("Number of commits and hash also on a tagged commit."),
      always: z.boolean().default(false).describe("Without a tag, the hash alone."),
    }),
  ])
  .default(false)
  .describe(
    "Sets the property `commit-description` to what `git describe` says of the commit; true: with the usual options.",
  );

export type DescribeOptions = Exclude<z.output<typeof describeShape>, boolean>;

const usual: DescribeOptions = { lightweight: true, firstParent: false, long: false, always: false };

/** What git says of the commit; undefined if no tag fits. Only tags that the repository has now count. */
export async function describeCommit(
  git: WorkerGit,
  commit: string,
  options: DescribeOptions | true,
): Promise<string | undefined> {
  const given = options === true ? usual : options;
  const flags = [
    ...(given.lightweight ? ["--tags"] : []),
    ...(given.firstParent ? ["--first-parent"] : []),
    ...(given.long ? ["--long"] : []),
    ...(given.always ? ["--always"] : []),
    ...(["match", "exclude", "abbrev", "candidates"] as const).flatMap((name) =>
      given[name] === undefined ? [] : [`--${name}=${given[name]}`],
    ),
  ];
  const end = await git.try(["describe", ...flags, commit], { capture: true });
  if (succeeded(end) && end.stdout.trim() !== "") return end.stdout.trim();
  await git.note("no tag describes this commit: the property commit-description is not set");
  return undefined;
}
