import { ProgramFailed, runProgram } from "../../run-program.ts";
import { explainFailure } from "../../source/poller-options.ts";
import { svnArguments } from "../../svn/svn-url.ts";
import { findAll, parseXml, textOf, type XmlElement } from "../../xml-elements.ts";

export interface SvnAccess {
  readonly repository: string;
  readonly credentials?: { username: string; password: string } | undefined;
  readonly env: Readonly<Record<string, string>>;
  readonly timeout: number;
}

/** A revision, with the paths that it touches, from the repository's root. */
export interface SvnRevision {
  readonly revision: number;
  readonly author: string;
  readonly message: string;
  /** Seconds since 1970; undefined if the repository keeps no dates. */
  readonly at: number | undefined;
  readonly paths: readonly { readonly path: string; readonly isDeleted: boolean }[];
}

/** The path of the polled directory from the repository's root, as the log writes it, with "/" at its end. */
export async function readPrefix(access: SvnAccess, signal: AbortSignal): Promise<string> {
  const document = await runSvn(access, ["info", "--xml", "--", `${access.repository}@`], signal);
  const [entry] = findAll(document, "entry");
  // Both as svn writes them: the config may write the same address in another way.
  const [root] = findAll(entry, "repository").map((element) => textOf(element, "root"));
  const url = textOf(entry, "url");
  if (root === undefined || url?.startsWith(root) !== true)
    throw new ProgramFailed("failed", "svn info names no repository");
  return `${decode(url.slice(root.length))}/`.replace(/^\/+/, "/");
}

function decode(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

/** The number of the newest revision below the directory; 0 if there is none. */
export async function readNewest(access: SvnAccess, signal: AbortSignal): Promise<number> {
  const [newest] = await readLog(access, "HEAD:0", 1, signal, false);
  return newest?.revision ?? 0;
}

/** Revisions of a range, in its order. */
export async function readLog(
  access: SvnAccess,
  range: string,
  limit: number,
  signal: AbortSignal,
  withPaths = true,
): Promise<SvnRevision[]> {
  const flags = ["--xml", ...(withPaths ? ["--verbose"] : []), "--limit", String(limit), "--revision", range];
  const document = await runSvn(access, ["log", ...flags, "--", `${access.repository}@`], signal);
  return findAll(document, "logentry").flatMap((entry) => {
    const revision = Number(entry.attributes["revision"]);
    const at = Date.parse(textOf(entry, "date") ?? "");
    if (!Number.isSafeInteger(revision)) return [];
    return [
      {
        revision,
        author: textOf(entry, "author") || "unknown",
        message: textOf(entry, "msg") ?? "",
        at: Number.isNaN(at) ? undefined : Math.floor(at / 1000),
        paths: findAll(entry, "path").map(({ text, attributes }) => ({
          path: text,
          isDeleted: attributes["action"] === "D",
        })),
      },
    ];
  });
}

async function runSvn(access: SvnAccess, args: readonly string[], signal: AbortSignal): Promise<XmlElement> {
  const { credentials, env, timeout } = access;
  try {
    const output = await runProgram("svn", [...svnArguments(credentials), ...args], {
      env: { ...process.env, LC_ALL: "C.UTF-8", ...env },
      timeoutMs: timeout,
      signal,
      ...(credentials === undefined ? {} : { input: `${credentials.password}\n` }),
    });
    const document = parseXml(output.toString("utf8"));
    if (document !== undefined) return document;
    throw new ProgramFailed("failed", `svn ${args[0]} wrote what is not XML`);
  } catch (error) {
    if (!(error instanceof ProgramFailed) || error.stderr === "") throw error;
    const reason = explainFailure(error.stderr, /^svn: E\d+:/)?.replace(/^svn: E\d+: /, "");
    throw new ProgramFailed(error.kind, `svn ${args[0]}: ${reason ?? error.message}`);
  }
}
