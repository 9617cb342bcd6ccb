import { constants } from "node:fs";
import { access, statfs } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import type { LoadedConfig } from "@multimaster/config";
import { parseDatabaseUrl } from "@multimaster/database";
import { type Finding, findingsOf } from "./finding.ts";

/** The oldest major version of Node that still gets security fixes. */
const oldestMaintained = 22;
/** Free space below which a directory is in danger. */
const littleSpace = 1024 ** 3;
/** What `statfs` says of NFS, SMB and CIFS. */
const networkFileSystems: ReadonlySet<number> = new Set([0x6969, 0x517b, 0xff534d42, 0xfe534d42]);

export function examineNode(version = process.versions.node): Finding {
  const { ok, warning } = findingsOf("Node");
  const seen = `this is Node ${version}`;
  return Number(version.split(".")[0]) >= oldestMaintained
    ? ok(seen)
    : warning(`${seen}, which gets no security fixes any more`, "install Node 24 and start the masters again");
}

/** The directories that masters of this host write to. */
export async function examineDirectories(config: LoadedConfig): Promise<Finding[]> {
  const findings: Finding[] = [];
  const database = parseDatabaseUrl(config.shared.database);
  if (database.engine === "sqlite" && !database.memory)
    findings.push(await examineDirectory("database", dirname(database.file), { mayBeShared: false }));
  const { workers, basedir } = await config.workers();
  if (workers.some((worker) => worker.local))
    findings.push(await examineDirectory("local workers", resolve(config.directory, basedir), { mayBeShared: true }));
  return findings;
}

async function examineDirectory(about: string, directory: string, { mayBeShared }: { mayBeShared: boolean }) {
  const { ok, warning, failed } = findingsOf(about);
  const there = await nearestDirectory(directory);
  if (!(await isAccessible(there, constants.W_OK)))
    return failed(`${there} cannot be written`, "give the masters' user the right to write there");
  const { bavail, bsize, type } = await statfs(there);
  if (!mayBeShared && networkFileSystems.has(type))
    return failed(`${there} is on a network file system`, "put the SQLite file on a local disk, or use PostgreSQL");
  const free = bavail * bsize;
  const seen = `${(free / 1024 ** 3).toFixed(1)} GiB are free in ${there}`;
  return free < littleSpace ? warning(seen, "make room: without any, builds and their logs wait") : ok(seen);
}

/** A master creates the directory when it starts. */
async function nearestDirectory(directory: string): Promise<string> {
  for (let at = directory; ; at = dirname(at)) if (at === dirname(at) || (await isAccessible(at))) return at;
}

function isAccessible(path: string, mode = constants.F_OK): Promise<boolean> {
  return access(path, mode).then(
    () => true,
    () => false,
  );
}
