import { fencedTransaction } from "@multimaster/cluster";
import { commandsOfWorkers, deleteCommands, insertCommand } from "@multimaster/database";
import type { CommandUpdates } from "../contract.ts";
import { groupValues } from "../read/group-values.ts";
import { batched } from "./batched.ts";
import type { UpdateContext } from "./update-context.ts";

export function createCommandUpdates({ database, lease }: UpdateContext): CommandUpdates {
  const { masterid, epoch } = lease;
  const ofWorker = batched(async (workerids: readonly number[]) => {
    const rows = await commandsOfWorkers(database, workerids);
    const commands = groupValues(rows.map(({ workerid, commandId, buildid }) => [workerid, { commandId, buildid }]));
    return workerids.map((workerid) => commands.get(workerid) ?? []);
  });
  return {
    record: (command) => fencedTransaction(database, lease, (tx) => insertCommand(tx, { ...command, masterid, epoch })),
    forget: (commandIds) => deleteCommands(database, commandIds),
    ofWorker,
  };
}
