import { isFullHash, isMergeRef, isPlainBranch, isRefName, listCandidates } from "../../git/ref-names.ts";
import { GitFailed } from "./git-failed.ts";
import type { RemoteRefs } from "./remote-refs.ts";
import type { SourceFetcher } from "./source-fetcher.ts";

/** The source that a build requires. */
export interface Wanted {
  /** HEAD, a plain name, or a full ref. */
  readonly branch: string;
  readonly revision: string | undefined;
  /** Undefined: only for plain branches, tags and HEAD, since only these are claimed to be the repository's own. */
  readonly mustBeOnBranch: boolean | undefined;
  /** A patch is tried on the branch: then it must be there, although the revision may be on another one. */
  readonly isTried?: boolean;
}

/** Names come from the build's requester: git must interpret them only as a ref or an object. */
export function checkWanted({ branch, revision }: Wanted): void {
  for (const [what, name] of [
    ["branch", branch],
    ["revision", revision],
  ] as const) {
    if (name === undefined || isRefName(name)) continue;
    throw new GitFailed(`the ${what} ${JSON.stringify(name.slice(0, 200))} is not a valid name for git`, "request");
  }
}

/** The full refs that must be queried. */
export function listRefs({ branch, revision }: Wanted): string[] {
  const named = revision === undefined || isFullHash(revision) ? [] : listRevisionRefs(revision);
  return [...listCandidates(branch), ...named];
}

/** Fetches what is required; resolves to the commit to check out. */
export async function findTarget(wanted: Wanted, refs: RemoteRefs, source: SourceFetcher): Promise<string> {
  const { branch } = wanted;
  const ref = listCandidates(branch).find((candidate) => refs.find(candidate) !== undefined);
  const revision = wanted.revision?.toLowerCase();
  // Forty digits are a full name only in repositories with names of that length.
  const isWhole =
    revision !== undefined && isFullHash(revision) && revision.length === (refs.hashLength ?? revision.length);
  if (ref === undefined) {
    if (wanted.isTried) throw refuse(`the repository has no ${describe(branch)} on which the patch could be tried`);
    if (isWhole) return findWithoutBranch(wanted, revision, source);
    if (revision !== undefined && isHashPrefix(revision) && !isOwn(branch))
      return findByPrefix(wanted, revision, source);
    throw refuse(`the repository has no ${describe(branch)}`);
  }
  const mustBeOnBranch = wanted.mustBeOnBranch ?? isOwn(branch);
  // A commit that is already here needs no fetch.
  if (isWhole && !mustBeOnBranch && !isMergeRef(ref) && (await source.has(revision))) return revision;
  const head = await source.fetchRef(ref);
  if (revision === undefined || revision === head) return head;
  if (isMergeRef(ref)) return checkMerge(ref, head, revision, source);
  const target = isWhole ? revision : await resolveName(wanted, head, ref, refs, source);
  if (!mustBeOnBranch) {
    if ((await source.has(target)) || (await source.fetchCommit(target)) || (await source.isOnAnyBranch(target)))
      return target;
    throw refuse(`the repository has no revision ${target}`);
  }
  if (await source.isOnBranch(target, head, ref)) return target;
  // The branch was deleted, and a tag has its name.
  if (isWhole && isPlainBranch(branch) && ref.startsWith("refs/tags/"))
    return findWithoutBranch(wanted, target, source);
  if (!(await source.has(target)) && !(await source.fetchCommit(target)))
    throw refuse(`the repository has no revision ${target}`);
  // HEAD names no branch: the commit may be on any branch of the repository.
  if (branch === "HEAD" && (await source.isOnAnyBranch(target))) return target;
  throw refuse(`the revision ${target} is not on ${describe(branch)}`);
}

/** The branch was deleted, most likely after its merge: then the commit is on another one. */
async function findWithoutBranch({ branch, mustBeOnBranch }: Wanted, revision: string, source: SourceFetcher) {
  if (await source.isOnAnyBranch(revision)) return revision;
  const mayBeAnywhere = !(mustBeOnBranch ?? isOwn(branch));
  if (mayBeAnywhere && (await source.fetchCommit(revision))) return revision;
  throw refuse(`the repository has no ${describe(branch)}, and no other branch has the revision ${revision}`);
}

/** Bitbucket Cloud has no refs of pull requests, and reports only prefixes of their commits' names. */
async function findByPrefix({ branch }: Wanted, prefix: string, source: SourceFetcher): Promise<string> {
  const [found, ...others] = await source.listOnBranches(prefix);
  if (found === undefined)
    throw refuse(`the repository has no ${describe(branch)}, and no branch has a revision that begins with ${prefix}`);
  if (others.length > 0) throw refuse(`the repository has several revisions that begin with ${prefix}`);
  return found;
}

/**
 * Checks the merge of a pull request, which is built as it is: it must be the merge of the change's commit. Forges create it
 * some seconds after they have reported the push.
 */
async function checkMerge(ref: string, first: string, revision: string, source: SourceFetcher): Promise<string> {
  let head = first;
  for (const delay of [1000, 2000, 4000, 0]) {
    const parents = await source.readParents(head);
    if (parents.some((parent) => parent === revision || (revision.length >= 7 && parent.startsWith(revision))))
      return head;
    if (delay > 0) head = await source.fetchRefAfter(delay, ref);
  }
  throw refuse(`${ref} is stale: ${head.slice(0, 10)} is not a merge of ${revision}`);
}

/** A revision that is not a full hash: a current tag or branch, or the prefix of a hash on the branch. */
async function resolveName(
  wanted: Wanted,
  head: string,
  ref: string,
  refs: RemoteRefs,
  source: SourceFetcher,
): Promise<string> {
  const name = wanted.revision as string;
  const found: string[] = [];
  // A prefix of a hash takes precedence: any user who may push can create a branch of that name.
  for (const hash of isHashPrefix(name) ? await source.listByPrefix(name.toLowerCase()) : []) {
    if (await source.isOnBranch(hash, head, ref)) found.push(hash);
  }
  if (found.length === 1) return found[0] as string;
  if (found.length > 1) throw refuse(`${describe(wanted.branch)} has several revisions that begin with ${name}`);
  const named = listRevisionRefs(name).filter((each) => refs.find(each) !== undefined);
  if (named.length > 1) throw refuse(`the revision ${name} is a tag and a branch: use ${named.join(" or ")}`);
  if (named[0] !== undefined) return source.fetchRef(named[0]);
  throw refuse(`the repository has no revision ${name}`);
}

function isHashPrefix(name: string): boolean {
  return /^[0-9a-f]{4,64}$/i.test(name);
}

function listRevisionRefs(name: string): string[] {
  return isPlainBranch(name) ? [`refs/tags/${name}`, `refs/heads/${name}`] : [name];
}

/** Whether only users who may push to the repository can write the ref. */
function isOwn(branch: string): boolean {
  return isPlainBranch(branch) || branch === "HEAD" || /^refs\/(heads|tags)\//.test(branch);
}

function describe(branch: string): string {
  return isPlainBranch(branch) ? `branch ${branch}` : branch;
}

function refuse(message: string): GitFailed {
  return new GitFailed(message, "request");
}
