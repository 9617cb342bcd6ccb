import { isFullHash, isMergeRef, isPlainBranch, isRefName, listCandidates } from "../../git/ref-names.ts";
import { GitFailed } from "./git-failed.ts";
import type { RemoteRefs } from "./remote-refs.ts";
import type { SourceFetcher } from "./source-fetcher.ts";

/** What a build is to be made of. */
export interface Wanted {
  /** HEAD, a plain name, or a full ref. */
  readonly branch: string;
  readonly revision: string | undefined;
  /** Undefined: for plain branches, tags and HEAD, since only those are claimed to be the repository's own. */
  readonly mustBeOnBranch: boolean | undefined;
}

/** Names come from whoever asked for the build: git must take them for nothing but a ref or an object. */
export function checkWanted({ branch, revision }: Wanted): void {
  for (const [what, name] of [
    ["branch", branch],
    ["revision", revision],
  ] as const) {
    if (name === undefined || isRefName(name)) continue;
    throw new GitFailed(`the ${what} ${JSON.stringify(name.slice(0, 200))} is not one that git could have`, "request");
  }
}

/** Full refs that have to be asked for. */
export function listRefs({ branch, revision }: Wanted): string[] {
  const named = revision === undefined || isFullHash(revision) ? [] : listRevisionRefs(revision);
  return [...listCandidates(branch), ...named];
}

/** Fetches what is wanted; resolves to the commit to check out. */
export async function findTarget(wanted: Wanted, refs: RemoteRefs, source: SourceFetcher): Promise<string> {
  const { branch } = wanted;
  const ref = listCandidates(branch).find((candidate) => refs.find(candidate) !== undefined);
  const revision = wanted.revision?.toLowerCase();
  // Forty digits are a whole name only where names are that long.
  const isWhole =
    revision !== undefined && isFullHash(revision) && revision.length === (refs.hashLength ?? revision.length);
  if (ref === undefined) {
    if (isWhole) return findWithoutBranch(wanted, revision, source);
    if (revision !== undefined && isHashPrefix(revision) && !isOwn(branch))
      return findByPrefix(wanted, revision, source);
    throw refuse(`the repository has no ${describe(branch)}`);
  }
  const mustBeOnBranch = wanted.mustBeOnBranch ?? isOwn(branch);
  // A commit that is there needs no fetch.
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
  // The branch was deleted and a tag has its name.
  if (isWhole && isPlainBranch(branch) && ref.startsWith("refs/tags/"))
    return findWithoutBranch(wanted, target, source);
  if (!(await source.has(target)) && !(await source.fetchCommit(target)))
    throw refuse(`the repository has no revision ${target}`);
  // HEAD claims no branch: any that the repository has will do.
  if (branch === "HEAD" && (await source.isOnAnyBranch(target))) return target;
  throw refuse(`the revision ${target} is not on ${describe(branch)}`);
}

/** The branch was deleted, after its merge most likely: then the commit is on another one. */
async function findWithoutBranch({ branch, mustBeOnBranch }: Wanted, revision: string, source: SourceFetcher) {
  if (await source.isOnAnyBranch(revision)) return revision;
  const mayBeAnywhere = !(mustBeOnBranch ?? isOwn(branch));
  if (mayBeAnywhere && (await source.fetchCommit(revision))) return revision;
  throw refuse(`the repository has no ${describe(branch)}, and no other branch has the revision ${revision}`);
}

/** Bitbucket Cloud makes no refs of pull requests, and reports only the beginning of their commits' names. */
async function findByPrefix({ branch }: Wanted, prefix: string, source: SourceFetcher): Promise<string> {
  const [found, ...others] = await source.listOnBranches(prefix);
  if (found === undefined)
    throw refuse(`the repository has no ${describe(branch)}, and no branch has a revision that begins with ${prefix}`);
  if (others.length > 0) throw refuse(`the repository has several revisions that begin with ${prefix}`);
  return found;
}

/**
 * The merge of a pull request is built as it is; it must be the merge of the commit that the change is about. Forges
 * make it some seconds after they have reported the push.
 */
async function checkMerge(ref: string, first: string, revision: string, source: SourceFetcher): Promise<string> {
  let head = first;
  for (const delay of [1000, 2000, 4000, 0]) {
    const parents = await source.readParents(head);
    if (parents.some((parent) => parent === revision || (revision.length >= 7 && parent.startsWith(revision))))
      return head;
    if (delay > 0) head = await source.fetchRefAfter(delay, ref);
  }
  throw refuse(`${ref} is stale: it is no merge of ${revision}, but ${head.slice(0, 10)} of other commits`);
}

/** A revision that is no full hash: a tag or branch of the repository now, or the beginning of a hash on the branch. */
async function resolveName(
  wanted: Wanted,
  head: string,
  ref: string,
  refs: RemoteRefs,
  source: SourceFetcher,
): Promise<string> {
  const name = wanted.revision as string;
  const found: string[] = [];
  // The beginning of a hash counts first: anyone may call a branch so who may push.
  for (const hash of isHashPrefix(name) ? await source.listByPrefix(name.toLowerCase()) : []) {
    if (await source.isOnBranch(hash, head, ref)) found.push(hash);
  }
  if (found.length === 1) return found[0] as string;
  if (found.length > 1) throw refuse(`${describe(wanted.branch)} has several revisions that begin with ${name}`);
  const named = listRevisionRefs(name).filter((each) => refs.find(each) !== undefined);
  if (named.length > 1) throw refuse(`the revision ${name} is a tag and a branch: say ${named.join(" or ")}`);
  if (named[0] !== undefined) return source.fetchRef(named[0]);
  throw refuse(`the repository has no revision ${name}`);
}

function isHashPrefix(name: string): boolean {
  return /^[0-9a-f]{4,64}$/i.test(name);
}

function listRevisionRefs(name: string): string[] {
  return isPlainBranch(name) ? [`refs/tags/${name}`, `refs/heads/${name}`] : [name];
}

/** Refs that only those can write who may push to the repository. */
function isOwn(branch: string): boolean {
  return isPlainBranch(branch) || branch === "HEAD" || /^refs\/(heads|tags)\//.test(branch);
}

function describe(branch: string): string {
  return isPlainBranch(branch) ? `branch ${branch}` : branch;
}

function refuse(message: string): GitFailed {
  return new GitFailed(message, "request");
}
