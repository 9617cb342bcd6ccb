import { OptionRests } from "../../option-functions.ts";
import type { ListedBranches } from "./list-branches.ts";
import type { Notices, PollerMemory } from "./notices.ts";

/** The branches that a poller follows; absent: the repository's own default branch. */
export type BranchChoice = readonly string[] | true | ((branch: string) => boolean) | undefined;

/**
 * The branches to follow with their revisions, the default branch first. Notes which are missing, once each. Throws an OptionRests
 * if no function may be asked now.
 */
export function pickBranches(
  listed: ListedBranches,
  branches: BranchChoice,
  { known, most }: { known: Readonly<Record<string, string>>; most: number },
  { notices, functions }: PollerMemory,
): Map<string, string> {
  const { all, main, odd } = listed;
  notices.setIf(
    typeof branches !== "object" && branches !== undefined && odd.length > 0,
    "odd",
    `these branches are not followed, their names are not UTF-8 or longer than 255 characters: ${some(odd)}`,
  );
  if (branches === undefined) return pickDefault(listed, notices);
  const missing = Array.isArray(branches) ? branches.filter((branch) => !all.has(branch)) : [];
  notices.setIf(
    missing.length > 0 && all.size > 0,
    "missing",
    `these configured branches do not exist: ${some(missing)}; existing ones: ${some([...all.keys()])}`,
  );
  const failing: string[] = [];
  const isWanted = (branch: string) => {
    if (typeof branches !== "function") return branches === true || branches.includes(branch);
    try {
      return functions.call({ option: "branches", about: `branch ${branch}` }, () => branches(branch));
    } catch (error) {
      if (error instanceof OptionRests) throw error;
      failing.push(branch);
      return false;
    }
  };
  const chosen = [...all].filter(([branch]) => isWanted(branch));
  notices.setIf(failing.length > 0, "failing", `"branches" failed on these, which are not followed: ${some(failing)}`);
  const rank = (branch: string) => (branch === main ? 0 : Object.hasOwn(known, branch) ? 1 : 2);
  const wanted = chosen.toSorted(([a], [b]) => rank(a) - rank(b));
  notices.setIf(
    wanted.length > most,
    "many",
    `${wanted.length} branches match, and only ${most} are followed ("maxBranches")`,
  );
  return new Map(wanted.slice(0, most));
}

function pickDefault({ all, main, head }: ListedBranches, notices: Notices): Map<string, string> {
  const revision = main === undefined ? head : all.get(main);
  const [only] = all;
  const isLost = revision === undefined && all.size > 0;
  const what = main === undefined ? "HEAD does not resolve" : `HEAD names the branch ${main}, which does not exist`;
  notices.setIf(isLost && all.size === 1, "default", `${what}; the only branch ${only?.[0]} is followed`);
  notices.setIf(
    isLost && all.size > 1,
    "no default",
    `${what}, so nothing is followed; set "branches" to some of: ${some([...all.keys()])}`,
  );
  notices.setIf(all.size === 0 && revision === undefined, "empty", "there are no branches yet");
  // The HEAD of a checkout of no branch, as CI services make them, is followed by the name HEAD; git fetches it like a branch.
  if (revision !== undefined) return new Map([[main ?? "HEAD", revision]]);
  return new Map(all.size === 1 && only !== undefined ? [only] : []);
}

function some(names: readonly string[]): string {
  return names.slice(0, 10).join(", ") + (names.length > 10 ? ` and ${names.length - 10} more` : "");
}
