import { type MasterControl, openControl } from "@multimaster/roles/control-masters";
import { connect } from "./client/connect.ts";
import type { ServerFlags } from "./client/profile.ts";
import { createRemoteControl } from "./client/remote-control.ts";

export interface ControlFlags extends ServerFlags {
  config: string;
}

/** Whether a command that can do both is to ask a ui master, and not the database: only when it is told so. */
export function isRemote({ url, profile }: ServerFlags): boolean {
  return url !== undefined || profile !== undefined;
}

/** Orders to masters: through a ui master where one is named, otherwise straight into the database of the config. */
export async function openControlOf(flags: ControlFlags): Promise<MasterControl> {
  // A drain that is waited for may end the very master that is asked; another one answers then.
  return isRemote(flags)
    ? createRemoteControl(await connect(flags, new AbortController().signal))
    : openControl(flags.config);
}
