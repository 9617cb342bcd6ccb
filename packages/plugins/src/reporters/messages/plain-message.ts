import { Results, resultName } from "@multimaster/core";
import type { ReportedChange } from "@multimaster/data";
import { describeResult, describeSeconds } from "../forge-shape.ts";
import type { Message, MessageFacts } from "./message-facts.ts";

/** Entries of a list that a message shows. */
const most = 10;

/** What happened, in one line: the subject of every ready template. */
export function nameEvent(facts: MessageFacts): string {
  const { build, buildset, worker, event } = facts;
  if (build) {
    const name = `${build.builder} #${build.number}`;
    if (build.results === null) return `${name} started`;
    const { previous, results } = build;
    const word = describeTurn(results, previous?.results);
    const branch = build.sources[0]?.branch;
    return `${name} ${word}${branch ? ` on ${branch}` : ""}`;
  }
  if (buildset)
    return `Buildset ${buildset.buildsetid} ended: ${buildset.results === null ? "?" : resultName(buildset.results)}`;
  if (!worker) return event;
  const words: Readonly<Record<string, string>> = {
    "worker-missing": "is missing",
    "worker-returned": "is back",
    "worker-paused": "is paused",
    "worker-resumed": "takes builds again",
    "worker-quarantined": "is in quarantine",
    "worker-freed": "left quarantine",
  };
  return `Worker ${worker.name} ${words[event] ?? event}`;
}

function describeTurn(results: number, before: number | undefined): string {
  const isGood = (one: number | undefined) => one === Results.SUCCESS || one === Results.WARNINGS;
  if (results === Results.SUCCESS && before !== undefined && !isGood(before)) return "is fixed";
  if (results === Results.FAILURE) return isGood(before) ? "fails now" : "fails";
  return describeResult(results as never).toLowerCase();
}

/** The facts below the subject, one a line: the same in every format. */
export function listFacts({ build, buildset, worker, url }: MessageFacts): [name: string, value: string][] {
  if (build) {
    const { sources, worker: on, reason, startedAt, completeAt, state, previous } = build;
    return [
      ["State", state],
      ...sources.map(({ repository, branch, revision }): [string, string] => [
        "Source",
        [repository, branch, revision?.slice(0, 12)].filter(Boolean).join(" "),
      ]),
      ["Reason", reason],
      ...(on === null ? [] : [["Worker", on] as [string, string]]),
      ...(completeAt === null ? [] : [["Duration", describeSeconds(completeAt - startedAt)] as [string, string]]),
      ...(previous ? [["Before", `#${previous.number}: ${resultName(previous.results)}`] as [string, string]] : []),
      ["Page", url],
    ];
  }
  if (buildset)
    return [
      ["Reason", buildset.reason],
      ...buildset.builds
        .slice(0, 50)
        .map((one): [string, string] => [
          `${one.builder} #${one.number}`,
          one.results === null ? "running" : resultName(one.results),
        ]),
      ["Page", url],
    ];
  return [
    ...(worker?.lastConnection ? [["Last connection", worker.lastConnection] as [string, string]] : []),
    ...(worker?.reason ? [["Reason", worker.reason] as [string, string]] : []),
    ["Page", url],
  ];
}

/** "Ann Example: Sort the list before it is shown". */
export const describeChange = ({ author, comments }: ReportedChange): string =>
  `${author.replace(/\s*<.*>$/, "")}: ${comments.split("\n")[0] ?? ""}`;

export const shortList = <T>(items: readonly T[]): { shown: readonly T[]; more: number } => ({
  shown: items.slice(0, most),
  more: Math.max(0, items.length - most),
});

/** Steps worth a line: all of a build that failed, none of one that passed. */
export const notableSteps = ({ steps }: MessageFacts) =>
  steps.filter(({ results }) => results !== null && results !== Results.SUCCESS && results !== Results.SKIPPED);

/** A message as plain text. */
export function plainMessage(facts: MessageFacts): Message {
  const lines = listFacts(facts).map(([name, value]) => `${name}: ${value}`);
  const section = (title: string, items: readonly string[], format = (item: string) => `  ${item}`) => {
    if (items.length === 0) return;
    const { shown, more } = shortList(items);
    lines.push("", `${title}:`, ...shown.map(format), ...(more > 0 ? [`  and ${more} more`] : []));
  };
  section("Changes", facts.changes.map(describeChange));
  section(
    "Steps",
    notableSteps(facts).map(({ name, state }) => `${name}: ${state}`),
  );
  section(
    "Failing tests",
    facts.failingTests.map(({ name, path, line }) =>
      [name, path && `(${path}${line ? `:${line}` : ""})`].filter(Boolean).join(" "),
    ),
  );
  for (const { step, log, text } of facts.logs) lines.push("", `Last lines of ${step}/${log}:`, "", text);
  return { subject: nameEvent(facts), text: `${lines.join("\n")}\n` };
}
