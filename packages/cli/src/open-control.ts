import { type MasterControl, openControl } from "@multimaster/operator/control-masters";
import { connect } from "./client/connect.ts";
import type { ServerFlags } from "./client/profile.ts";
import { createRemoteControl } from "./client/remote-control.ts";

/** The master that is ordered to end may be the very one that is asked: another one behind the balancer is, or there is none. */
const patienceMs = 30_000;

export interface ControlFlags extends ServerFlags {
  config: string;
}

/** Whether a command that can do both is to ask a ui master, and not the database: only when it is told so. */
export function isRemote({ url, profile }: ServerFlags): boolean {
  return url !== undefined || profile !== undefined;
}

/** Orders to masters: through a ui master where one is named, otherwise straight into the database of the config. */
export async function openControlOf(flags: ControlFlags): Promise<MasterControl> {
  if (!isRemote(flags)) return openControl(flags.config);
  return createRemoteControl(await connect(flags, new AbortController().signal, patienceMs));
}
