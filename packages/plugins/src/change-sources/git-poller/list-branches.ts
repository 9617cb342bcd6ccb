import { isFullHash, isRefName } from "../../git/ref-names.ts";
import { type GitOptions, runGit } from "./git-command.ts";

/** The current branches of a repository. */
export interface ListedBranches {
  /** Revisions by name. */
  readonly all: ReadonlyMap<string, string>;
  /** The branch that HEAD names; it may be missing. */
  readonly main: string | undefined;
  /** The revision of HEAD, if that leads to one. */
  readonly head: string | undefined;
  /** Names that are not UTF-8 or too long for a row, as far as they can be shown. */
  readonly odd: readonly string[];
}

/** The length of the column of a change's branch. */
const maxName = 255;

export async function listBranches(repository: string, git: GitOptions): Promise<ListedBranches> {
  const listed = await runGit(["ls-remote", "--symref", "--", repository, "HEAD", "refs/heads/*"], git);
  const all = new Map<string, string>();
  const odd: string[] = [];
  let main: string | undefined;
  let head: string | undefined;
  for (let from = 0; from < listed.length; ) {
    const newline = listed.indexOf(10, from);
    const end = newline === -1 ? listed.length : newline;
    const line = listed.subarray(from, end);
    from = end + 1;
    const tab = line.indexOf(9);
    const value = readText(line.subarray(0, tab)) ?? "";
    const ref = readText(line.subarray(tab + 1));
    if (ref === "HEAD") {
      if (value.startsWith("ref: refs/heads/")) main = value.slice("ref: refs/heads/".length);
      else if (isFullHash(value)) head = value;
    } else if (
      line
        .subarray(tab + 1)
        .toString("latin1")
        .startsWith("refs/heads/")
    ) {
      const name = ref?.slice("refs/heads/".length);
      if (name !== undefined && name.length <= maxName && isRefName(name)) all.set(name, value);
      else
        odd.push(
          line
            .subarray(tab + 1 + "refs/heads/".length)
            .toString("utf8")
            .slice(0, 100),
        );
    }
  }
  return { all, main, head, odd };
}

/** Undefined if the bytes are not UTF-8: replacement characters would make another name. */
function readText(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
