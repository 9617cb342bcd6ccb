import type { ConfigWarning } from "@multimaster/config";

type Written = Readonly<Record<string, unknown>>;

/** What is wrong with the options as written, of which a step needs exactly one. Functions may come out undefined. */
export function warnOfChoice(options: Written, names: readonly [string, string]): ConfigWarning[] {
  const [first, second] = names;
  const given = names.filter((name) => options[name] !== undefined);
  if (given.length === 0) return [{ path: [], sentence: `needs one of the options ${first} and ${second}` }];
  if (given.length === 1 || given.some((name) => typeof options[name] === "function")) return [];
  return [{ path: [second], sentence: `stands beside ${first}, and the step takes only one of them: it fails` }];
}
