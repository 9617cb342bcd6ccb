import type { ConfigWarning } from "@multimaster/config";

interface Open {
  readonly anybody: boolean;
}

interface Forge extends Open {
  readonly secret?: string | undefined;
  readonly strict: boolean;
  readonly pullRequests: boolean;
  readonly forks?: boolean | undefined;
}

/** Warns of a hook that accepts requests from anyone. */
export function warnOfOpen({ anybody }: Open): ConfigWarning[] {
  if (!anybody) return [];
  const sentence = "is true: anyone who can connect can post to this hook; a secret or changeHookAuth closes it";
  return [{ path: ["anybody"], sentence }];
}

/** Warns of what a forge's hook leaves open, and of what it closes by default. */
export function warnOfForge(options: Forge, strangers: string | null = "pull requests of forks"): ConfigWarning[] {
  const warnings = warnOfOpen(options);
  if (options.secret !== undefined && !options.strict)
    warnings.push({
      path: ["strict"],
      sentence: "is false: requests without any signature are accepted; remove it to refuse them",
    });
  if (options.pullRequests && options.forks === undefined && strangers !== null)
    warnings.push({
      path: ["forks"],
      sentence: `is absent, so ${strangers} are ignored; forks: true accepts them again, forks: false confirms it`,
    });
  return warnings;
}

/** Warns of a forge whose pull requests had another branch name in earlier releases. */
export function warnOfRef(
  { pullRequests, pullRequestRef }: { pullRequests: boolean; pullRequestRef?: string | undefined },
  ref: string,
  before: string,
  now: string,
): ConfigWarning[] {
  if (!pullRequests || pullRequestRef !== undefined) return [];
  const sentence = `is absent, so the branch of a pull request's change is ${ref}; pullRequestRef: "${before}" restores the earlier name, "${now}" confirms the new one`;
  return [{ path: ["pullRequestRef"], sentence }];
}
