import { errors } from "@multimaster/core";
import { roleNames } from "@multimaster/roles";
import type { Command } from "commander";
import { openControlOf } from "../open-control.ts";
import { gatherList } from "../options.ts";
import { followOrder, type OrderFlags, orderOptions, printOrder } from "../show-order.ts";

interface AddFlags extends OrderFlags {
  builders?: string[];
}

/** A wrong name is refused here: the master that gets it could only log it. */
function parseRole(name: string): string {
  if (!(roleNames as readonly string[]).includes(name)) throw errors.unknownRole(name, roleNames);
  return name;
}

/** `master role drop|add`: a running master drops one of its roles, or takes another one. */
export function addRole(program: Command, setExitCode: (code: number) => void): void {
  const role = program.command("role").description("let a running master drop one of its roles, or add one");

  orderOptions(
    role
      .command("drop")
      .description("drain one role of a master; the others continue")
      .argument("<name>", "the master's name")
      .argument("<role>", roleNames.join(", "), parseRole),
  ).action(async (name: string, which: string, flags: OrderFlags) => {
    const control = await openControlOf(flags);
    try {
      const order = await control.dropRole(name, which, flags.reason);
      setExitCode(flags.wait ? await followOrder(control, order, flags) : printOrder(order, flags));
    } finally {
      await control.close();
    }
  });

  orderOptions(
    role
      .command("add")
      .description("add a role to a master, with the slice of the config it was started with")
      .argument("<name>", "the master's name")
      .argument("<role>", roleNames.join(", "), parseRole)
      .option("--builders <set>", "builder set that an added engine runs; repeatable; all by default", gatherList),
  ).action(async (name: string, which: string, flags: AddFlags) => {
    const control = await openControlOf(flags);
    try {
      const order = await control.addRole(name, which, flags.builders, flags.reason);
      setExitCode(flags.wait ? await followOrder(control, order, flags) : printOrder(order, flags));
    } finally {
      await control.close();
    }
  });
  for (const command of role.commands) command.exitOverride();
}
