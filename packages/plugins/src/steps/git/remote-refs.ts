import { isFullHash } from "../../git/ref-names.ts";
import type { WorkerGit } from "./worker-git.ts";

/** The current refs of the repository. */
export interface RemoteRefs {
  /** Object name of a ref by its full name, such as refs/heads/main or HEAD. */
  find(ref: string): string | undefined;
  /** Length of its object names; undefined if it has none. */
  readonly hashLength: number | undefined;
}

/** Queries the repository for the refs with these full names. */
export async function askForRefs(git: WorkerGit, refs: readonly string[]): Promise<RemoteRefs> {
  // HEAD as well: it determines the object format of a repository that has none of the others.
  const patterns = [...new Set(["HEAD", ...refs.map(toPattern)])];
  const { stdout } = await git.reach(["ls-remote", "--", git.address, ...patterns], { capture: true });
  const found = readRefs(stdout);
  return {
    // A worker that decodes output as ASCII has replaced all other bytes; then the fetch by the exact name decides.
    find: (ref) => found.get(ref) ?? found.get(toReplaced(ref)),
    hashLength: found.values().next().value?.length,
  };
}

/** Queries the names of its branches, without refs/heads/. */
export async function askForBranches(git: WorkerGit): Promise<string[]> {
  const { stdout } = await git.reach(["ls-remote", "--", git.address, "refs/heads/*"], { capture: true });
  const names = [...readRefs(stdout).keys()].filter((ref) => ref.startsWith("refs/heads/"));
  return names.map((ref) => ref.slice("refs/heads/".length));
}

function readRefs(stdout: string): Map<string, string> {
  const refs = new Map<string, string>();
  for (const line of stdout.split("\n")) {
    const [hash = "", ref = ""] = line.split("\t");
    if (isFullHash(hash) && ref !== "") refs.set(ref, hash);
  }
  return refs;
}

/** Arguments must be ASCII, because a worker in the C locale refuses others. Additional matches are ignored. */
function toPattern(ref: string): string {
  return ref.replace(/[^\x20-\x7e]+/g, "*");
}

function toReplaced(ref: string): string {
  return [...new TextEncoder().encode(ref)].map((byte) => (byte < 128 ? String.fromCharCode(byte) : "\ufffd")).join("");
}
