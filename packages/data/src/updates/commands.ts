import { commandsOfWorkers, deleteCommands, insertCommand } from "@multimaster/database";
import { groupValues } from "../read/group-values.ts";
import { batched } from "./batched.ts";
import type { UpdateContext } from "./update-context.ts";

export interface CommandUpdates {
  /** Records a command before it is sent (fenced), so that the next master of the worker can interrupt it. */
  record(command: {
    commandId: string;
    workerid: number;
    buildid: number;
    stepid: number;
    name: string;
  }): Promise<void>;
  /** The command has completed; nothing may run under this id any more. */
  forget(commandIds: readonly string[]): Promise<void>;
  /** Commands that this worker may still run, of any master or epoch. */
  ofWorker(workerid: number): Promise<{ commandId: string; buildid: number | null }[]>;
}

export function createCommandUpdates({ database, lease, write }: UpdateContext): CommandUpdates {
  const ofWorker = batched(async (workerids: readonly number[]) => {
    const rows = await commandsOfWorkers(database, workerids);
    const commands = groupValues(rows.map(({ workerid, commandId, buildid }) => [workerid, { commandId, buildid }]));
    return workerids.map((workerid) => commands.get(workerid) ?? []);
  });
  return {
    record: (command) =>
      write(`command ${command.commandId}`, (tx) =>
        insertCommand(tx, { ...command, masterid: lease.masterid, epoch: lease.epoch }),
      ),
    forget: (commandIds) => write(`command ${commandIds[0]}`, (tx) => deleteCommands(tx, commandIds)),
    ofWorker,
  };
}
