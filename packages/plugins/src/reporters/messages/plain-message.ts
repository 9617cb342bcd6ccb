import { Results, resultName } from "@multimaster/core";
import type { ReportedChange, ReportedTest } from "@multimaster/data";
import { describeResult, describeSeconds } from "../forge-shape.ts";
import { cutText } from "./cut-text.ts";
import type { Message, MessageFacts } from "./message-facts.ts";

/** Entries of a list that a message shows, and how much of each: people read it. */
const most = 10;
const short = (text: string) => cutText(text, 300);

/** What happened, in one line: the subject of every ready template. */
export function nameEvent(facts: MessageFacts): string {
  const { build, step, buildset, request, worker, master, event } = facts;
  if (build) {
    const name = `${build.builder} #${build.number}`;
    if (step) return `${name}: step ${step.name} ${step.results === null ? "started" : describeTurn(step.results)}`;
    if (build.results === null) return `${name} started`;
    const { previous, results, isOvertaken } = build;
    const word = describeTurn(results, isOvertaken ? undefined : previous?.results);
    const branch = build.sources[0]?.branch;
    return `${name} ${word}${branch ? ` on ${branch}` : ""}`;
  }
  if (buildset)
    return `Buildset ${buildset.buildsetid} ${buildset.results === null ? "started" : `ended: ${resultName(buildset.results)}`}`;
  if (request)
    return `${request.builder}: build request ${request.buildrequestid} waits for ${describeSeconds(request.waited)}`;
  if (master) return clusterSubject(event, master.name);
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

function clusterSubject(event: string, name: string): string {
  if (event === "master-evicted") return `Master ${name} is lost`;
  if (event === "config-changed") return `Master ${name} started with another config`;
  return "The upgrade of the cluster is done";
}

function describeTurn(results: number, before?: number): string {
  const isGood = (one: number | undefined) => one === Results.SUCCESS || one === Results.WARNINGS;
  if (results === Results.SUCCESS && before !== undefined && !isGood(before)) return "is fixed";
  if (results === Results.FAILURE) return isGood(before) ? "fails now" : "fails";
  return describeResult(results as never).toLowerCase();
}

/** The facts below the subject, one a line: the same in every format. */
export function listFacts(facts: MessageFacts): [name: string, value: string][] {
  const { build, buildset, request, worker, master, url } = facts;
  if (build) {
    const { sources, worker: on, reason, startedAt, completeAt, state, previous } = build;
    return [
      ["State", short(state)],
      ...sources.map(({ repository, branch, revision }): [string, string] => [
        "Source",
        short([repository, branch, revision?.slice(0, 12)].filter(Boolean).join(" ")),
      ]),
      ["Reason", short(reason)],
      ...(on === null ? [] : [["Worker", on] as [string, string]]),
      ...(completeAt === null ? [] : [["Duration", describeSeconds(completeAt - startedAt)] as [string, string]]),
      ...(previous ? [["Before", `#${previous.number}: ${resultName(previous.results)}`] as [string, string]] : []),
      ["Page", url],
    ];
  }
  if (request)
    return [
      ["Why", request.why],
      ["Waiting so long", `${request.requests} of this builder`],
      ["Reason", request.reason],
      ["Page", url],
    ];
  if (master)
    return [
      ["What", master.sentence],
      ["Page", url],
    ];
  if (buildset)
    return [
      ["Reason", short(buildset.reason)],
      ...(buildset.results === null
        ? [["Builders", listBuilders(buildset.builders.map(({ builder }) => builder))] as [string, string]]
        : []),
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
    ...(worker?.reason ? [["Reason", short(worker.reason)] as [string, string]] : []),
    ["Page", url],
  ];
}

/** "list is sorted (test/list.test.ts:12)". */
const describeTest = ({ name, path, line }: ReportedTest): string =>
  path === null ? name : `${name} (${path}${line === null ? "" : `:${line}`})`;

function listBuilders(names: readonly string[]): string {
  const { shown, more } = shortList(names);
  return more > 0 ? `${shown.join(", ")} and ${more} more` : shown.join(", ");
}

/** "Ann Example: Sort the list before it is shown". */
const describeChange = ({ author, comments }: ReportedChange): string =>
  `${author.replace(/\s*<.*>$/, "")}: ${comments.split("\n")[0] ?? ""}`;

const shortList = (items: readonly string[]): { shown: readonly string[]; more: number } => ({
  shown: items.slice(0, most).map(short),
  more: Math.max(0, items.length - most),
});

/** Steps worth a line: all of a build that failed, none of one that passed. */
const notableSteps = ({ steps }: MessageFacts) =>
  steps.filter(({ results }) => results !== null && results !== Results.SUCCESS && results !== Results.SKIPPED);

/** What a message lists below its facts; empty lists are left out. */
export function listSections(facts: MessageFacts): { title: string; shown: readonly string[]; more: number }[] {
  const all: [title: string, items: readonly string[]][] = [
    ["Changes", facts.changes.map(describeChange)],
    ["Steps", notableSteps(facts).map(({ name, state }) => `${name}: ${state}`)],
    ["Failing tests", facts.failingTests.map(describeTest)],
  ];
  return all.flatMap(([title, items]) => (items.length === 0 ? [] : { title, ...shortList(items) }));
}

/** A message as plain text. */
export function plainMessage(facts: MessageFacts): Message {
  const lines = listFacts(facts).map(([name, value]) => `${name}: ${value}`);
  for (const { title, shown, more } of listSections(facts))
    lines.push("", `${title}:`, ...shown.map((item) => `  ${item}`), ...(more > 0 ? [`  and ${more} more`] : []));
  for (const { step, log, text } of facts.logs) lines.push("", `Last lines of ${step}/${log}:`, "", text);
  return { subject: nameEvent(facts), text: `${lines.join("\n")}\n` };
}
