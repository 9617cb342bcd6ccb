import { type MasterControl, openControl } from "@multimaster/operator/control-masters";
import { connect } from "./client/connect.ts";
import type { ServerFlags } from "./client/profile.ts";
import { createRemoteControl } from "./client/remote-control.ts";

/** The master that a command ends may be the one that answers: then another behind the balancer must answer, or none can. */
const retryForMs = 30_000;

export interface ControlFlags extends ServerFlags {
  config: string;
}

/** Whether a command that supports both uses a ui master instead of the database: only if an option names one. */
export function isRemote({ url, profile }: ServerFlags): boolean {
  return url !== undefined || profile !== undefined;
}

/** Opens the way for commands to masters: through a ui master if one is named, otherwise the database of the config. */
export async function openControlOf(flags: ControlFlags): Promise<MasterControl> {
  if (!isRemote(flags)) return openControl(flags.config);
  return createRemoteControl(await connect(flags, new AbortController().signal, retryForMs));
}
