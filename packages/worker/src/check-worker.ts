import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { rm, statfs, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { explainFileError, makeDirectories } from "@multimaster/core";
import { checkHeader, formatBasicAuth } from "@multimaster/wire";
import { WebSocket } from "ws";
import { normalizeUrl } from "./worker.ts";

/** One thing that was checked. A warning does not keep the worker from working. */
export interface Finding {
  readonly verdict: "ok" | "warning" | "failed";
  readonly sentence: string;
}

export interface CheckOptions {
  readonly url: string;
  readonly name: string;
  readonly password: string;
  readonly ca?: string;
  readonly basedir: string;
  readonly environment: Readonly<Record<string, string>>;
}

const loginMs = 10_000;
/** Free space in the directory of the builds below which a warning is due. */
const littleSpace = 1024 ** 3;

/** Checks what a worker needs, without running a build: its directory, its programs, the master and its password. */
export async function checkWorker(options: CheckOptions): Promise<readonly Finding[]> {
  const { basedir, environment } = options;
  return [
    await checkDirectory(resolve(basedir)),
    await checkSpace(resolve(basedir)),
    await checkProgram("/bin/sh", ["-c", "exit 0"], environment, "failed", "every command that is a text runs in it"),
    await checkProgram("git", ["--version"], environment, "warning", "steps that check out a repository need it"),
    await checkLogin(options),
  ];
}

/** Whether builds can run there; the directory is made. */
export async function checkDirectory(basedir: string): Promise<Finding> {
  const probe = join(basedir, `.check-${randomUUID()}`);
  try {
    await makeDirectories(basedir);
    await writeFile(probe, "");
    await rm(probe);
    return { verdict: "ok", sentence: `builds run in ${basedir}, which can be written` };
  } catch (error) {
    const why = explainFileError(error) ?? String(error);
    return { verdict: "failed", sentence: `builds cannot run in ${basedir}: ${why}` };
  }
}

async function checkSpace(basedir: string): Promise<Finding> {
  const stats = await statfs(basedir).catch(() => undefined);
  if (stats === undefined) return { verdict: "warning", sentence: `the free space of ${basedir} is unknown` };
  const free = stats.bavail * stats.bsize;
  const sentence = `${(free / 1024 ** 3).toFixed(1)} GiB are free in ${basedir}`;
  return { verdict: free < littleSpace ? "warning" : "ok", sentence };
}

async function checkProgram(
  program: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
  verdict: Finding["verdict"],
  use: string,
): Promise<Finding> {
  try {
    await promisify(execFile)(program, [...args], { env: { ...environment }, timeout: loginMs });
    return { verdict: "ok", sentence: `${program} runs` };
  } catch (error) {
    return { verdict, sentence: `${program} does not run (${(error as Error).message.split("\n")[0]}): ${use}` };
  }
}

/** Logs in, says that it is only a check, and closes the connection. A worker of that name which is connected stays so. */
function checkLogin({ url, name, password, ca }: CheckOptions): Promise<Finding> {
  return new Promise((resolveFinding) => {
    const socket = new WebSocket(normalizeUrl(url), {
      ...(ca === undefined ? {} : { ca }),
      headers: { Authorization: formatBasicAuth(name, password), [checkHeader]: "1" },
      handshakeTimeout: loginMs,
    });
    const finish = (verdict: Finding["verdict"], sentence: string): void => resolveFinding({ verdict, sentence });
    socket.on("error", (error) => finish("failed", `no master can be reached at ${url}: ${error.message}`));
    socket.once("unexpected-response", (request, { statusCode = 0 }) => {
      request.destroy();
      if (statusCode === 401)
        finish("failed", `the master at ${url} knows no worker "${name}" with this password (401)`);
      else if (statusCode === 503) finish("warning", `the master at ${url} takes no workers now (503)`);
      else finish("failed", `the master at ${url} answers with HTTP status ${statusCode}`);
    });
    socket.once("open", () => {
      finish("ok", `the master at ${url} takes worker "${name}"`);
      socket.close(1000, "this was a check");
    });
  });
}
