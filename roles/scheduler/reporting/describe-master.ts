import type { Json } from "@multimaster/core";
import type { ReportedMaster } from "@multimaster/data";

type Facts = Readonly<Record<string, Json | undefined>>;

/** What happened to a master, from the facts of its row alone: the master may be long gone. */
export function describeMaster(
  kind: string,
  masterid: number,
  facts: Readonly<Record<string, unknown>>,
): ReportedMaster {
  const given = facts as Facts;
  const name = text(given["name"]);
  return {
    masterid,
    name,
    sentence: (sentences[kind] ?? (() => kind))(name, given),
    facts: given as ReportedMaster["facts"],
  };
}

const text = (value: Json | undefined): string => (typeof value === "string" ? value : String(value ?? "?"));
const count = (value: Json | undefined): number => (typeof value === "number" ? value : 0);
const some = (n: number, what: string): string => (n === 1 ? `1 ${what}` : `${n} ${what}s`);
/** As much of a hash as people compare. */
const short = (value: Json | undefined): string => text(value).slice(0, 12);

const sentences: Readonly<Record<string, (name: string, facts: Facts) => string>> = {
  "master-evicted": (name, { roles, builds, left, requests }) => {
    const has = Array.isArray(roles) && roles.length > 0 ? ` (${roles.join(", ")})` : "";
    const lost = count(builds) === 0 ? "" : ` ${some(count(builds), "build")} of it ended and may run again.`;
    const goOn = count(left) === 0 ? "" : ` ${some(count(left), "build")} of it may go on at other masters.`;
    return `The lease of the master ${name}${has} expired, and it was evicted: it had ${some(count(requests), "build request")}.${lost}${goOn}`;
  },
  "config-changed": (name, { hash, before, last }) =>
    `The master ${name} started with the config ${short(hash)}; the one that started before it, ${text(last)}, had ${short(before)}.`,
  "upgrade-done": (name, { from, to, masters }) =>
    `The master ${name}, the last one of release ${text(from)}, is gone: ${count(masters) === 1 ? "the only master left runs" : `all ${count(masters)} masters run`} release ${text(to)}.`,
};
