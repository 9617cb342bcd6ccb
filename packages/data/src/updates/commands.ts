import { fencedTransaction } from "@multimaster/cluster";
import { commandsOfWorker, deleteCommands, insertCommand } from "@multimaster/database";
import type { CommandUpdates } from "../contract.ts";
import type { UpdateContext } from "./update-context.ts";

export function createCommandUpdates({ database, lease }: UpdateContext): CommandUpdates {
  const { masterid, epoch } = lease;
  return {
    record: (command) => fencedTransaction(database, lease, (tx) => insertCommand(tx, { ...command, masterid, epoch })),
    forget: (commandIds) => deleteCommands(database, commandIds),
    ofWorker: (workerid) => commandsOfWorker(database, workerid),
  };
}
