import type { LoadedConfig } from "@multimaster/config";
import { createLog, describeCause, errors, systemClock } from "@multimaster/core";
import { readBuildDetails, readChanges, readLogTail, readReportedBuilds } from "@multimaster/data";
import type { Connection } from "@multimaster/database";
import { type ReporterDefinition, type ReporterOptions, ReportFailure } from "@multimaster/plugins";
import { describeProblem, secretsOf } from "@multimaster/plugins/reporters/messages/hide-secrets";
import { openReport } from "./scheduler/reporting/open-report.ts";

export interface ReportTest {
  readonly config: LoadedConfig;
  readonly database: Connection;
  readonly reporter: string;
  readonly buildid: number;
  /** Given: nothing is sent, and what would be sent is shown to it. */
  readonly preview?: ((what: string) => void) | undefined;
}

/**
 * Sends, or shows, what a reporter reports of a build, whatever its filters say. Nothing of it is written down. Returns why there
 * was nothing to send; undefined: it was sent.
 */
export async function testReport(test: ReportTest): Promise<string | undefined> {
  const { config, database, reporter, buildid, preview } = test;
  const { reporters } = await config.scheduler();
  const found = reporters.find(({ options }) => (options as ReporterOptions).name === reporter);
  if (!found) {
    const have = reporters.map(({ options }) => (options as ReporterOptions).name).join(", ") || "none";
    throw errors.notFound(`The config has no reporter "${reporter}" (have: ${have}).`);
  }
  const build = (await readReportedBuilds(database, [buildid])).get(buildid);
  if (!build) throw errors.notFound(`There is no build ${buildid}.`);
  const { name, url = "http://localhost:8010/" } = config.shared;
  const plugin = found.plugin as unknown as ReporterDefinition;
  const options = found.options as ReporterOptions;
  const event = {
    event: build.results === null ? "build-started" : "build-ended",
    at: Date.now() / 1000,
    build,
  } as const;
  const fail = (error: unknown): never => {
    const problem = error instanceof ReportFailure ? error.message : describeCause(error);
    throw errors.reportNotSent(reporter, describeProblem(problem, secretsOf(options)));
  };
  const context = await attempt(() => plugin.contextOf(event, options)).catch(fail);
  if (context === null) {
    const why = plugin.explainNothing?.(event, options);
    throw errors.requestInvalid(
      `The reporter "${reporter}" has nothing to report of build ${buildid}${why === undefined ? "" : `: ${why}`}.`,
    );
  }
  const stopping = new AbortController();
  // What the reporter says beside its result, such as a recipient who was refused, is for the one who tries it out.
  const log = createLog({ level: "warn", format: "pretty" });
  const surroundings = { name: reporter, clock: systemClock, log, signal: stopping.signal, preview };
  const sender = await attempt(() => plugin.open({ ...surroundings, cluster: { name, url } }, options)).catch(fail);
  const reads = {
    readDetails: (id: number) => readBuildDetails(database, id),
    readChanges: (id: number) => readChanges(database, id),
    readLogTail: (id: number, lines: number) => readLogTail(database, id, lines),
  };
  let skipped: string | undefined;
  const delivery = {
    id: `test-${buildid}-${Date.now()}`,
    unsure: false,
    memory: undefined,
    remember: () => undefined,
    inOrder: (_: string, deliver: () => Promise<void>) => deliver(),
    skip: (why: string) => {
      skipped = why;
    },
    offerRerun: () => undefined,
  };
  try {
    await limit(attempt(() => sender.send(openReport(event, reads, { url }), delivery))).catch(fail);
  } finally {
    stopping.abort();
    await sender.close?.();
  }
  return skipped === undefined ? undefined : describeProblem(skipped, secretsOf(options));
}

const longestS = 120;

/** Ends a reporter that hangs. The timer keeps the program alive: it would end without a word. */
function limit<T>(work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const end = setTimeout(() => reject(new Error(`it has not ended within ${longestS} s`)), longestS * 1000);
    work.then(resolve, reject).finally(() => clearTimeout(end));
  });
}

/** What throws fails like what rejects. */
const attempt = async <T>(work: () => T | Promise<T>): Promise<T> => work();
