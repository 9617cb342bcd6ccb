import type { Connection } from "../connection.ts";
import { execute, queryRows } from "../dialect.ts";
import { together } from "../together.ts";
import { truncateText } from "./column-text.ts";

export interface CommandRow {
  commandId: string;
  workerid: number;
  masterid: number;
  epoch: number;
  buildid: number;
  stepid: number;
  name: string;
}

/** Notes a command that is about to be sent. */
export const insertCommand = together(async (tx, commands: readonly CommandRow[]): Promise<undefined[]> => {
  const given = tx.dialect.rowsOf(
    ["text", "integer", "integer", "integer", "integer", "integer", "text"],
    commands.map((command) => [
      command.commandId,
      command.workerid,
      command.masterid,
      command.epoch,
      command.buildid,
      command.stepid,
      truncateText(command.name, 64),
    ]),
  );
  await execute(
    tx,
    `with v(command_id, workerid, masterid, epoch, buildid, stepid, name) as (${given.sql})
     insert into mm_commands (command_id, workerid, masterid, epoch, buildid, stepid, name, sent_at)
     select command_id, workerid, masterid, epoch, buildid, stepid, name, ${tx.dialect.now} from v where true
     on conflict (command_id) do nothing`,
    given.bindings,
  );
  return commands.map(() => undefined);
});

export async function deleteCommands(connection: Connection, commandIds: readonly string[]): Promise<void> {
  const wanted = connection.dialect.isOneOf("command_id", commandIds);
  await execute(connection, `delete from mm_commands where ${wanted.sql}`, wanted.bindings);
}

/** Commands of the worker that an instance of a latent worker is. */
export async function commandsOfInstance(tx: Connection, instanceid: number): Promise<string[]> {
  const rows = await queryRows<{ commandId: string }>(
    tx,
    `select k.command_id as "commandId" from mm_worker_instances i join mm_commands k on k.workerid = i.workerid
      where i.instanceid = ?`,
    [instanceid],
  );
  return rows.map(({ commandId }) => commandId);
}

/** A command that a worker may still run. */
export interface RecordedCommand {
  readonly workerid: number;
  readonly commandId: string;
  readonly buildid: number | null;
  /** Its build waits for an engine that adopts it; JSON, see `ResumePointRow`. */
  readonly resumePoint: string | null;
  readonly builderid: number | null;
}

/** Commands that workers may still run, of any master. */
export async function commandsOfWorkers(
  connection: Connection,
  workerids: readonly number[],
): Promise<RecordedCommand[]> {
  const wanted = connection.dialect.isOneOf("c.workerid", workerids);
  return queryRows(
    connection,
    `select c.workerid, c.command_id as "commandId", c.buildid, p.point as "resumePoint", b.builderid
       from mm_commands c
       left join mm_adoptable_builds a on a.buildid = c.buildid and a.command_id = c.command_id
       left join mm_command_resume_points p on p.command_id = a.command_id
       left join builds b on b.id = a.buildid
      where ${wanted.sql} order by c.sent_at, c.command_id`,
    wanted.bindings,
  );
}
