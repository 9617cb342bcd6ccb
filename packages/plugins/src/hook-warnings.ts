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

/** A hook that takes requests from anybody. */
export function warnOfOpen({ anybody }: Open): ConfigWarning[] {
  if (!anybody) return [];
  const sentence =
    "is true: everybody who can reach the port can post to this hook; a secret or changeHookAuth closes it";
  return [{ path: ["anybody"], sentence }];
}

/** What every forge's hook may leave open, and what of it is closed unless the config says otherwise. */
export function warnOfForge(options: Forge, strangers: string | null = "pull requests of forks"): ConfigWarning[] {
  const warnings = warnOfOpen(options);
  if (options.secret !== undefined && !options.strict)
    warnings.push({
      path: ["strict"],
      sentence: "is false: requests without any signature pass; leave it out to refuse them",
    });
  if (options.pullRequests && options.forks === undefined && strangers !== null)
    warnings.push({
      path: ["forks"],
      sentence: `is absent, so ${strangers} are no changes; forks: true makes them changes again, forks: false says that it is meant`,
    });
  return warnings;
}

/** Of a forge whose pull requests had the name of a branch before. */
export function warnOfRef(
  { pullRequests, pullRequestRef }: { pullRequests: boolean; pullRequestRef?: string | undefined },
  ref: string,
  before: string,
  now: string,
): ConfigWarning[] {
  if (!pullRequests || pullRequestRef !== undefined) return [];
  const sentence = `is absent, so the branch of a pull request's change is ${ref}; pullRequestRef: "${before}" names it as before, "${now}" says that it is meant`;
  return [{ path: ["pullRequestRef"], sentence }];
}
