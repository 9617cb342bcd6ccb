import { existsSync } from "node:fs";
import { type MasterControl, openControl } from "@multimaster/operator/control-masters";
import { connect } from "./client/connect.ts";
import { hasClientFile, type ServerFlags } from "./client/profile.ts";
import { createRemoteControl } from "./client/remote-control.ts";
import { defaultConfig } from "./options.ts";

/** The master that a command ends may be the one that answers: then another behind the balancer must answer, or none can. */
const retryForMs = 30_000;

export interface ControlFlags extends ServerFlags {
  config?: string;
}

/**
 * The config whose database a command uses that could also ask a ui master; undefined: it asks. The command line says
 * which; then the environment; then a config in this directory counts before the client file.
 */
export async function chooseConfig(flags: ControlFlags, env = process.env): Promise<string | undefined> {
  const { url, profile, config } = flags;
  if (url !== undefined || profile !== undefined) return undefined;
  if (config !== undefined) return config;
  if (env["MULTIMASTER_URL"] || env["MULTIMASTER_PROFILE"]) return undefined;
  return existsSync(defaultConfig) || !(await hasClientFile(env)) ? defaultConfig : undefined;
}

/** Opens the way for commands to masters: through a ui master, or the database of the config. */
export async function openControlOf(flags: ControlFlags): Promise<MasterControl> {
  const config = await chooseConfig(flags);
  if (config !== undefined) return openControl(config);
  return createRemoteControl(await connect(flags, new AbortController().signal, retryForMs));
}
