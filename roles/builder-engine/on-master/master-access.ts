import { resolve } from "node:path";
import type { ClusterConfig, OnMasterConfig } from "@multimaster/config";

/** What steps may do on this machine, with absolute paths. */
export type MasterAccess = OnMasterConfig;

const closed: MasterAccess = { commands: false, readFrom: [], writeTo: [] };

/** What the config allows: nothing unless it says so. */
export function createMasterAccess(
  shared: Partial<Pick<ClusterConfig, "onMaster">>,
  configDirectory: string,
): MasterAccess {
  const { commands, readFrom, writeTo } = shared.onMaster ?? closed;
  const absolute = (paths: readonly string[]) => paths.map((path) => resolve(configDirectory, path));
  return { commands, readFrom: absolute(readFrom), writeTo: absolute(writeTo) };
}
