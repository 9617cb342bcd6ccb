import type { Json, Result } from "@multimaster/core";
import { builders, buildrequests, equals, type Log, logs, steps } from "@multimaster/data";
import type { StepCluster } from "@multimaster/plugins";
import type { BuildScope } from "./build-scope.ts";
import type { Turns } from "./turns.ts";

const defaultCharacters = 1024 * 1024;
const mostCharacters = 16 * 1024 * 1024;
/** Pending requests that a step may read at once. */
const mostRequests = 1000;

/** What a step may read of its build's past and of what waits in the cluster. */
export function createStepCluster({ engine, build }: BuildScope, turns: Turns): StepCluster {
  const { data, persistence } = engine;

  async function waiting<T>(what: string, read: () => Promise<T>): Promise<T> {
    turns.leave();
    try {
      return await persistence.write(what, read);
    } finally {
      await turns.enter();
    }
  }

  async function endedSteps() {
    const filters = [equals("buildid", build.buildid), equals("complete", true)];
    return (await data.find(steps, { filters, order: ["number"] })).rows;
  }

  const logsOf = async (stepids: readonly number[]) =>
    stepids.length === 0 ? [] : (await data.find(logs, { filters: [equals("stepid", ...stepids)] })).rows;

  async function readText({ logid, type }: Log, most: number): Promise<string> {
    const answer = await data.rest.get(["logs", String(logid), "contents"], new URLSearchParams());
    if (answer.kind !== "lines") return "";
    let text = "";
    for await (const piece of answer.text) {
      text += piece;
      // A line of a program's log begins with the letter of its stream.
      if (text.length > most * 2) break;
    }
    return (type === "s" ? withoutStreams(text) : text).slice(0, most);
  }

  return {
    steps: () =>
      waiting(`read the steps of build ${build.buildid}`, async () => {
        const ended = await endedSteps();
        const all = await logsOf(ended.map(({ stepid }) => stepid));
        return ended.map(({ stepid, number, name, results, state_string: state }) => ({
          ...{ stepid, number, name, state },
          results: results as Result,
          logs: all.filter((log) => log.stepid === stepid).map((log) => log.name),
        }));
      }),
    readLog: (step, name, maxCharacters = defaultCharacters) =>
      waiting(`read a log of build ${build.buildid}`, async () => {
        const found = (await endedSteps()).find((one) => one.name === step);
        const log = found && (await logsOf([found.stepid])).find((one) => one.name === name);
        return log && (await readText(log, Math.min(maxCharacters, mostCharacters)));
      }),
    pendingRequests: (builder) =>
      waiting("read the pending requests", async () => {
        const names = await data.find(builders, builder === undefined ? {} : { filters: [equals("name", builder)] });
        const nameOf = new Map(names.rows.map(({ builderid, name }) => [builderid, name]));
        const ofBuilder = builder === undefined ? [] : [equals("builderid", ...nameOf.keys())];
        if (builder !== undefined && nameOf.size === 0) return [];
        const { rows } = await data.find(buildrequests, {
          filters: [equals("complete", false), ...ofBuilder],
          order: ["buildrequestid"],
          limit: mostRequests,
          properties: ["*"],
          countTo: 0,
        });
        return rows.map(({ buildrequestid, builderid, priority, submitted_at: submittedAt, claimed, properties }) => ({
          ...{ buildrequestid, priority, submittedAt, claimed },
          builder: nameOf.get(builderid) ?? String(builderid),
          properties: valuesOf(properties ?? {}),
        }));
      }),
  };
}

/** Lines of standard output and error of a program, without headers. */
function withoutStreams(text: string): string {
  const lines = text.split("\n").filter((line) => !line.startsWith("h"));
  return lines.map((line) => line.slice(1)).join("\n");
}

function valuesOf(properties: Readonly<Record<string, readonly [Json, string]>>): Record<string, Json> {
  return Object.fromEntries(Object.entries(properties).map(([name, [value]]) => [name, value]));
}
