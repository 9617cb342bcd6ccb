import { randomUUID } from "node:crypto";
import type {
  CommandInput,
  CommandName,
  CommandOutcome,
  CommandRequest,
  CommandUpdate,
  WorkerLink,
} from "@multimaster/wire";

export interface CommandResult {
  outcome: CommandOutcome;
  updates: CommandUpdate[];
  /** All text of one stream. */
  text(stream: string): string;
}

/** Runs a command and collects what it reports. */
export async function runCommand<N extends CommandName>(
  link: WorkerLink,
  name: N,
  args: CommandInput<N>,
  consumers: Partial<CommandRequest<N>> = {},
): Promise<CommandResult> {
  const updates: CommandUpdate[] = [];
  const outcome = await link.startCommand({
    onUpdate: (update) => void updates.push(update),
    ...consumers,
    id: randomUUID(),
    name,
    args,
  });
  const text = (stream: string): string =>
    updates.map((update) => (update.kind === "stream" && update.name === stream ? update.text : "")).join("");
  return { outcome, updates, text };
}
