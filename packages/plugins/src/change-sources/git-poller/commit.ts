/** A commit as a change tells it. */
export interface Commit {
  revision: string;
  author: string;
  committer: string;
  /** Seconds since the epoch. */
  committedAt: number;
  message: string;
  files: string[];
}

/** Fields end with NUL, which no field can hold; a commit begins with byte 1. */
export const logFormat = ["%x01%H", "%aN <%aE>", "%cN <%cE>", "%ct", "%B"].map((field) => `${field}%x00`).join("");

/** Reads the output of `git log -z --name-only` in this format: after the fields and an empty one come the files. */
export function parseLog(output: string): Commit[] {
  const parts = output.split("\0");
  const commits: Commit[] = [];
  for (let at = 0; at < parts.length; ) {
    const begin = parts[at++] as string;
    if (!isBegin(begin)) continue;
    const [author, committer, committedAt, message] = parts.slice(at, at + 4) as [string, string, string, string];
    at += 4;
    const files: string[] = [];
    while (at < parts.length && !isBegin(parts[at] as string)) files.push((parts[at++] as string).replace(/^\n/, ""));
    commits.push({
      revision: begin.slice(1),
      author: author.trim(),
      committer: committer.trim(),
      committedAt: Number(committedAt),
      message: message.trim(),
      files: files.filter((file) => file !== ""),
    });
  }
  return commits;
}

function isBegin(part: string): boolean {
  return part.startsWith("\u0001") && /^[0-9a-f]{40,64}$/.test(part.slice(1));
}
