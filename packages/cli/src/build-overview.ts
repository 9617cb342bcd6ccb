import type { Build, Builder, Step } from "@multimaster/data";
import type { Api } from "./client/api.ts";
import { hasFailed, readErrorLines } from "./error-lines.ts";
import { formatSeconds, markResult } from "./show-build.ts";
import { sourceOf } from "./source-of-build.ts";
import { formatTable } from "./table.ts";
import type { Terminal } from "./terminal.ts";
import { formatWhen } from "./when.ts";

/** Failed steps whose lines are shown. */
const mostFailedSteps = 3;

/** The same as the page of a build says: what was built and why, its steps, and the lines that say why it failed. */
export async function describeBuild(
  api: Api,
  { build, builder, steps }: { build: Build; builder: Builder; steps: readonly Step[] },
  terminal: Terminal,
): Promise<string> {
  const head = `${builder.name} #${build.number}: ${markResult(terminal, build.results)}, ${terminal.foreign(build.state_string)}\n`;
  const facts = (await readFacts(api, build, terminal))
    .filter(([, value]) => value !== "")
    .map(([name, value]) => `  ${terminal.style("dim", name.padEnd(11))}${terminal.foreign(value)}\n`);
  const rows = steps.map((step) => [
    step.number,
    terminal.foreign(step.name),
    step.started_at === null ? "" : markResult(terminal, step.results),
    terminal.foreign(step.state_string),
    step.started_at === null || step.complete_at === null ? "" : formatSeconds(step.complete_at - step.started_at),
  ]);
  const table = formatTable(["step", "name", "result", "state", "took"], rows, "No steps yet.", terminal);
  const failures: string[] = [];
  for (const step of steps.filter(hasFailed).slice(0, mostFailedSteps)) {
    const lines = await readErrorLines(api, step);
    const title = terminal.style("bold", terminal.foreign(step.name));
    if (lines.length > 0)
      failures.push(`\n${title}:\n${lines.map((line) => `  ${terminal.logLine(line)}\n`).join("")}`);
  }
  return [head, ...facts, "\n", table, ...failures].join("");
}

async function readFacts(api: Api, build: Build, terminal: Terminal): Promise<(readonly [string, string])[]> {
  const { revision, branch, repository, by } = sourceOf(build);
  const [reason, worker, changes] = await Promise.all([
    readReason(api, build),
    build.workerid === null ? "" : nameOf(api.list("workers", "workers", { workerid: build.workerid })),
    api.list("changes", `builds/${build.buildid}/changes`, { limit: 200 }),
  ]);
  const authors = [...new Set(changes.items.map(({ author }) => author))];
  const seconds = (build.complete_at ?? Math.floor(Date.now() / 1000)) - build.started_at;
  const took = `${build.complete ? "took" : "runs since"} ${formatSeconds(seconds)}`;
  return [
    ["page", new URL(`builders/${build.builderid}/builds/${build.number}`, api.url).href],
    ["build", String(build.buildid)],
    ["commit", revision],
    ["branch", branch],
    ["repository", repository],
    ["reason", reason],
    ["by", by],
    [
      "changes",
      changes.total === 0
        ? ""
        : `${changes.total}, by ${authors.slice(0, 5).join(", ")}${authors.length > 5 ? " and others" : ""}`,
    ],
    ["worker", worker],
    ["started", `${formatWhen(build.started_at, terminal)}, ${took}`],
    ["kept by", build.kept_by ?? ""],
  ];
}

async function readReason(api: Api, { buildrequestid }: Build): Promise<string> {
  const { items: requests } = await api.list("buildrequests", "buildrequests", { buildrequestid });
  const bsid = requests[0]?.buildsetid;
  if (bsid === undefined) return "";
  const { items } = await api.list("buildsets", "buildsets", { bsid });
  return items[0]?.reason ?? "";
}

async function nameOf(rows: Promise<{ items: readonly { name: string }[] }>): Promise<string> {
  return (await rows).items[0]?.name ?? "";
}
