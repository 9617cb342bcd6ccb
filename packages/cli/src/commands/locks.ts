import { errors } from "@multimaster/core";
import type { LockHold, LockWait } from "@multimaster/data";
import type { Command } from "commander";
import type { Api } from "../client/api.ts";
import { type ClientFlags, clientOptions, connect } from "../client/connect.ts";
import { formatTable } from "../table.ts";
import { formatJson, openTerminal } from "../terminal.ts";
import { formatWhen } from "../when.ts";

interface BreakFlags extends ClientFlags {
  hold?: number;
}

/** `master locks`: who has which lock and who waits; `master lock break` takes one away. */
export function addLocks(program: Command): void {
  clientOptions(program.command("locks").description("list locks, with who has them and who waits for them")).action(
    async ({ json, ...flags }: ClientFlags) => {
      const found = await readLocks(await connect(flags));
      await openTerminal().write(json ? formatJson(found) : describeLocks(found));
    },
  );
  const lock = program.command("lock").description("break a lock");
  clientOptions(
    lock
      .command("break")
      .description("take a lock away from the build that has it, which goes on")
      .argument("<name>", "the lock's name")
      .option("--hold <number>", "which of several holds, as the list shows it", Number),
  ).action(async (name: string, _: BreakFlags, command: Command) => {
    // Options may also come before the action.
    const { hold, json, ...flags } = command.optsWithGlobals<BreakFlags>();
    const api = await connect(flags);
    const { items } = await api.list("lock_holds", "lock_holds", { lock: name });
    const wanted = hold === undefined ? items : items.filter(({ holdid }) => holdid === hold);
    const [one, ...others] = wanted;
    if (!one) throw errors.notFound(`No build has the lock "${name}"; "master locks" lists them.`);
    if (others.length > 0)
      throw errors.requestInvalid(`${wanted.length} builds have the lock "${name}"; say which with --hold.`);
    await api.call("lock_holds", `lock_holds/${one.holdid}`, "break", {});
    const after = one.lost ? "which was lost: its command may still run" : "which goes on";
    const done = `The lock ${name} is taken away from ${nameOwner(one)}, ${after}.\n`;
    await openTerminal().write(json ? formatJson(one) : done);
  });
  for (const command of lock.commands) command.exitOverride();
}

type SentHold = Pick<LockHold, "lost"> & Partial<Pick<LockHold, "kept_until">>;

type Found = Awaited<ReturnType<typeof readLocks>>;

async function readLocks(api: Api) {
  const [locks, holds, waits] = await Promise.all([
    api.list("locks", "locks", { order: "name" }),
    api.list("lock_holds", "lock_holds", {}),
    api.list("lock_waits", "lock_waits", {}),
  ]);
  return { locks: locks.items, lock_holds: holds.items, lock_waits: waits.items };
}

/** One line for each holder and waiter, the holders of a lock first. */
function describeLocks({ locks, lock_holds: holds, lock_waits: waits }: Found): string {
  const rows = locks.flatMap(({ lockid, name, worker, max }) => {
    const lock = worker === null ? name : `${name} of ${worker}`;
    const useOf = (one: { exclusive: boolean; count: number }) => (one.exclusive ? "alone" : `${one.count} of ${max}`);
    const held = holds
      .filter((hold) => hold.lockid === lockid)
      .map((hold) => [lock, describeHold(hold), hold.holdid, nameOwner(hold), useOf(hold), since(hold.taken_at)]);
    const queued = inTurn(waits.filter((wait) => wait.lockid === lockid)).map((wait, i) => [
      lock,
      `waits, ${i + 1}.`,
      "-",
      nameOwner(wait),
      useOf(wait),
      since(wait.since),
    ]);
    return [...held, ...queued];
  });
  return formatTable(["lock", "state", "hold", "build", "use", "since"], rows, "No build has or wants a lock.");
}

/** A request that several engines could start waits once, with all of them. */
function inTurn(waits: readonly LockWait[]): LockWait[] {
  const turns = new Map<string, LockWait>();
  for (const wait of waits) {
    const key = `${wait.buildrequestid} ${wait.stepid}`;
    const turn = turns.get(key);
    turns.set(key, turn ? { ...turn, master: `${turn.master} or ${wait.master}` } : wait);
  }
  return [...turns.values()];
}

/** A ui master of the previous release does not send until when. */
function describeHold({ lost, kept_until: until = null }: SentHold): string {
  if (!lost) return "has it";
  return until === null ? "was lost" : `was lost, free ${formatWhen(until)} at the latest`;
}

const since = (seconds: number) => formatWhen(seconds);

/** "web #81 on engine-2", or "web (request 7) on engine-2" before its build begins. */
function nameOwner(owner: { builder: string; master: string; buildrequestid: number; number?: number | null }): string {
  const { builder, master, buildrequestid, number } = owner;
  const build =
    number === undefined || number === null ? `${builder} (request ${buildrequestid})` : `${builder} #${number}`;
  return `${build} on ${master}`;
}
