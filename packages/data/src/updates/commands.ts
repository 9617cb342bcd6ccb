import type { Json } from "@multimaster/core";
import {
  commandsOfWorkers,
  deleteCommands,
  insertCommand,
  insertResumePoints,
  locksOfCommands,
  type RecordedCommand,
} from "@multimaster/database";
import { groupValues } from "../read/group-values.ts";
import { locks } from "../resources/locks.ts";
import { batched } from "./batched.ts";
import type { UpdateContext } from "./update-context.ts";

export type { RecordedCommand };

/** With this, another engine can go on with the build of a command if this one dies. */
export interface ResumeNote {
  /** How long the build waits for that engine. */
  readonly adoptWithinMs: number;
  /** What that engine needs to know beside the rows of the build. */
  readonly point: Json;
}

export interface CommandUpdates {
  /** Records a command before it is sent (fenced), so that the next master of the worker can interrupt or resume it. */
  record(command: {
    commandId: string;
    workerid: number;
    buildid: number;
    stepid: number;
    name: string;
    resume?: ResumeNote | undefined;
  }): Promise<void>;
  /** The command has completed; nothing may run under this id any more. */
  forget(commandIds: readonly string[]): Promise<void>;
  /** The same of commands from before the worker attached: the locks of their builds are free now (fenced). */
  forgetLost(commandIds: readonly string[]): Promise<void>;
  /** Commands that this worker may still run, of any master or epoch. */
  ofWorker(workerid: number): Promise<RecordedCommand[]>;
}

export function createCommandUpdates({ database, lease, write, events, track }: UpdateContext): CommandUpdates {
  const ofWorker = batched(async (workerids: readonly number[]) => {
    const rows = await commandsOfWorkers(database, workerids);
    const commands = groupValues(rows.map((row) => [row.workerid, row]));
    return workerids.map((workerid) => commands.get(workerid) ?? []);
  });
  return {
    record: ({ resume, ...command }) =>
      write(`command ${command.commandId}`, async (tx) => {
        await insertCommand(tx, { ...command, masterid: lease.masterid, epoch: lease.epoch });
        if (resume === undefined) return;
        const { adoptWithinMs, point } = resume;
        await insertResumePoints(tx, { commandId: command.commandId, adoptWithinMs, point: JSON.stringify(point) });
      }),
    forget: (commandIds) => write(`command ${commandIds[0]}`, (tx) => deleteCommands(tx, commandIds)),
    async forgetLost(commandIds) {
      const lockids = await write(`command ${commandIds[0]}`, async (tx) => {
        const held = await locksOfCommands(tx, commandIds);
        await deleteCommands(tx, commandIds);
        return held;
      });
      if (lockids.length > 0) await track(events.of(locks).released(lockids));
    },
    ofWorker,
  };
}
