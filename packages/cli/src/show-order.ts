import type { Order } from "@multimaster/data";
import type { MasterControl } from "@multimaster/operator/control-masters";
import type { Command } from "commander";
import { serverOptions } from "./client/connect.ts";
import type { ControlFlags } from "./open-control.ts";
import { chosenConfigOption } from "./options.ts";
import { cleanLines } from "./terminal.ts";

export interface OrderFlags extends ControlFlags {
  wait?: boolean;
  json?: boolean;
  reason?: string;
}

/** The options of all commands to masters. */
export function orderOptions(command: Command): Command {
  return serverOptions(command.addOption(chosenConfigOption()))
    .option("--wait", "show its progress until it is done; the exit code is 1 if it fails")
    .option("--reason <text>", "the reason, shown with the command")
    .option("--json", "as JSON");
}

/** Prints the current state of a command; returns the exit code. */
export function printOrder(order: Order, { json }: OrderFlags): number {
  process.stdout.write(json ? `${JSON.stringify(order, null, 2)}\n` : `${cleanLines(describe(order))}\n`);
  return exitCodeOf(order);
}

/** Prints changes until the command has ended, then its report; returns the exit code. */
export async function followOrder(control: MasterControl, first: Order, flags: OrderFlags): Promise<number> {
  let shown = "";
  let warned: Order["warning"] = null;
  const show = (order: Order) => {
    const line = describe({ ...order, warning: null });
    const isNewWarning = order.warning !== warned;
    // Between the first line and the last, a warning is repeated only when it changes.
    const text = isNewWarning || order.state === "done" ? describe(order) : line;
    if (!flags.json && (line !== shown || isNewWarning)) process.stdout.write(`${cleanLines(text)}\n`);
    shown = line;
    warned = order.warning;
  };
  show(first);
  const last = await control.wait(first.orderid, show);
  if (flags.json) process.stdout.write(`${JSON.stringify(last, null, 2)}\n`);
  return exitCodeOf(last);
}

function exitCodeOf({ state }: Order): number {
  return state === "failed" || state === "lost" ? 1 : 0;
}

/** Describes in one line what is requested, and its progress. */
function describe(order: Order): string {
  const { master, role, kind } = order;
  const what =
    kind === "reconfig"
      ? `take over a new config on ${master}`
      : kind === "add"
        ? `add the role ${role} to ${master}`
        : role
          ? `drop the role ${role} of ${master}`
          : `drain ${master}`;
  if (order.state === "failed" || order.state === "lost") return `${what}: ${order.state}: ${order.detail ?? ""}`;
  const warning = !order.warning ? "" : `\n  warning: ${order.warning}`;
  const figures = order.state === "done" ? report(order) : progress(order);
  return `${what}: ${words[order.state] ?? order.state}${figures === "" ? "" : ` (${figures})`}${warning}`;
}

const words: Record<string, string> = {
  ordered: "ordered",
  draining: "draining",
  undoing: "being undone",
  done: "done",
  undone: "undone: it takes work again",
};

function progress(order: Order): string {
  return list([
    [order.builds_left, "builds left"],
    [order.workers_left, "workers left"],
    [order.singletons_left, "schedulers and change sources left"],
  ]);
}

function report(order: Order): string {
  return list([
    [order.requests_running, "requests were running"],
    [order.requests_finished, "finished"],
    [order.requests_retried, "retried"],
    [order.requests_lost, "lost"],
    [order.requests_handed_over, "pending ones handed over"],
    [order.requests_stranded || null, "pending ones waiting: no other master can take them"],
    [order.workers_before, "workers released"],
    [handedOver(order), "schedulers and change sources handed over"],
    [order.singletons_stranded || null, "schedulers and change sources waiting: no other master can take them"],
  ]);
}

function handedOver({ singletons_before: before, singletons_stranded: stranded }: Order): number | null {
  return before === null ? null : Math.max(0, before - (stranded ?? 0));
}

function list(figures: readonly (readonly [number | null, string])[]): string {
  return figures.flatMap(([count, what]) => (count === null ? [] : [`${count} ${what}`])).join(", ");
}
