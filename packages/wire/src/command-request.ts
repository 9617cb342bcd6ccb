import { type CommandName, commandArgs } from "./commands.ts";
import { RequestRefused } from "./link-errors.ts";
import { describeIssues } from "./messages.ts";

/** The `maxsize` of an upload. */
export function maxUploadOf(args: unknown): number | null {
  const { maxsize } = (args ?? {}) as { maxsize?: unknown };
  return typeof maxsize === "number" ? maxsize : null;
}

/** Checks the arguments and fills in defaults; an unknown command is sent unchanged, for the worker to refuse. */
export function completeArgs(name: string, args: unknown): unknown {
  const schema = Object.hasOwn(commandArgs, name) ? commandArgs[name as CommandName] : undefined;
  if (schema === undefined) return args;
  const parsed = schema.safeParse(args);
  if (!parsed.success)
    throw new RequestRefused(`the arguments of "${name}" are wrong: ${describeIssues(parsed.error)}`);
  return parsed.data;
}
