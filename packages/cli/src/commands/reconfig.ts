import { errors } from "@multimaster/core";
import type { Order } from "@multimaster/data";
import type { MasterControl } from "@multimaster/operator/control-masters";
import type { Command } from "commander";
import { serverOptions } from "../client/connect.ts";
import { type ControlFlags, openControlOf } from "../open-control.ts";
import { chosenConfigOption } from "../options.ts";

interface ReconfigFlags extends ControlFlags {
  all?: boolean;
  diff?: boolean;
  json?: boolean;
  reason?: string;
}

/** The exit code of a config that is wrong, as of `check-config`. */
const wrongConfig = 2;

/** `master reconfig`: running masters take over the config in their files, whole or not at all. */
export function addReconfig(program: Command, setExitCode: (code: number) => void): void {
  serverOptions(
    program
      .command("reconfig")
      .description("let a running master take over the config in its files, whole or not at all")
      .argument("[name]", "the master's name; may be left out when there is only one")
      .addOption(chosenConfigOption()),
  )
    .option("--all", "all live masters, engines first; the first that cannot ends it")
    .option("--diff", "only show what would change")
    .option("--reason <text>", "the reason, shown with the command")
    .option("--json", "as JSON")
    .addHelpText(
      "after",
      `
Each master loads and checks the files that it was started with, on its own host. If anything is wrong, all problems are listed,
nothing changes, and the exit code is 2. Running builds finish with what they began with; attached workers stay connected.
SIGHUP does the same for one master. Variables of the environment are those of the running process: docs/reconfig.md.`,
    )
    .action(async (name: string | undefined, flags: ReconfigFlags) => {
      const control = await openControlOf(flags);
      try {
        const orders: Order[] = [];
        for (const master of await chooseMasters(control, name, flags)) {
          const order = await control.reconfig(master, flags.diff === true, flags.reason);
          const ended = await control.wait(order.orderid, () => undefined);
          orders.push(ended);
          if (!flags.json) process.stdout.write(describe(ended));
          if (ended.state !== "done") {
            setExitCode(wrongConfig);
            break;
          }
        }
        if (flags.json) process.stdout.write(`${JSON.stringify(orders, null, 2)}\n`);
      } finally {
        await control.close();
      }
    });
}

async function chooseMasters(
  control: MasterControl,
  name: string | undefined,
  flags: ReconfigFlags,
): Promise<string[]> {
  if (name !== undefined) return [name];
  const names = await control.names();
  if (flags.all || names.length === 1) return names;
  throw errors.masterToChoose(names);
}

const signs: Readonly<Record<string, string>> = { added: "+", changed: "~", removed: "-" };

function describe({ master, state, detail, changes, dry_run, config_after }: Order): string {
  if (state !== "done") return `${master}: ${state}: ${detail ?? ""}\nNothing was changed on ${master}.\n`;
  const lines = (changes ?? []).map(
    ({ change, kind, name, by_code }) =>
      `  ${signs[change]} ${kind} ${name}${by_code ? " (its functions may have changed)" : ""}\n`,
  );
  const what = lines.length === 0 ? "nothing changed" : dry_run ? "would change" : "changed";
  const config = config_after ? ` (config ${config_after.slice(0, 8)})` : "";
  return `${master}: ${what}${config}\n${lines.join("")}`;
}
