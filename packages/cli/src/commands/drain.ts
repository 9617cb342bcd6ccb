import type { Command } from "commander";
import { serverOptions } from "../client/connect.ts";
import { openControlOf } from "../open-control.ts";
import { chosenConfigOption, parseDuration } from "../options.ts";
import { followOrder, type OrderFlags, orderOptions, printOrder } from "../show-order.ts";

interface DrainFlags extends OrderFlags {
  deadline?: number;
}

/** `master drain`, `undrain`, `stop`: commands that end a master after its work, undo that, or end it immediately. */
export function addDrain(program: Command, setExitCode: (code: number) => void): void {
  const drain = program
    .command("drain")
    .description("let a master finish its running builds, hand everything else over, and end")
    .argument("<name>", "the master's name, as master status shows it")
    .option(
      "--deadline <time>",
      "after this long, release running builds so that they run again elsewhere",
      (text) => parseDuration(text) / 1000,
    );
  orderOptions(drain)
    .addHelpText(
      "after",
      `
The order is written into the database: it works from any host, also while the router or the ui masters are down.
Where a ui master is named (docs/command-line.md) it writes the order; this host then needs neither the config nor the database.
Ordered again it is the same drain with another deadline. With --wait the command ends when the master has.`,
    )
    .action(async (name: string, flags: DrainFlags) => {
      const control = await openControlOf(flags);
      try {
        const order = await control.drain(name, flags.deadline ?? null, flags.reason);
        setExitCode(flags.wait ? await followOrder(control, order, flags) : printOrder(order, flags));
      } finally {
        await control.close();
      }
    });

  serverOptions(
    program
      .command("undrain")
      .description("undo a drain: the master takes work again")
      .argument("<name>", "the master's name")
      .addOption(chosenConfigOption()),
  )
    .option("--json", "as JSON")
    .action(async (name: string, flags: OrderFlags) => {
      const control = await openControlOf(flags);
      try {
        setExitCode(printOrder(await control.undrain(name), flags));
      } finally {
        await control.close();
      }
    });

  orderOptions(
    program
      .command("stop")
      .description("end a master immediately: its running builds are released and run again elsewhere")
      .argument("<name>", "the master's name"),
  )
    .addHelpText("after", "\nA build is stopped with: master build stop BUILD")
    .action(async (name: string, flags: OrderFlags) => {
      const control = await openControlOf(flags);
      try {
        const order = await control.drain(name, 0, flags.reason);
        setExitCode(flags.wait ? await followOrder(control, order, flags) : printOrder(order, flags));
      } finally {
        await control.close();
      }
    });
}
