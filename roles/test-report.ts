import type { LoadedConfig } from "@multimaster/config";
import { errors, silentLog, systemClock } from "@multimaster/core";
import { readBuildDetails, readChanges, readLogTail, readReportedBuilds } from "@multimaster/data";
import type { Connection } from "@multimaster/database";
import { type ReporterDefinition, type ReporterOptions, ReportFailure } from "@multimaster/plugins";
import { openReport } from "./scheduler/reporting/open-report.ts";

export interface ReportTest {
  readonly config: LoadedConfig;
  readonly database: Connection;
  readonly reporter: string;
  readonly buildid: number;
  /** Given: nothing is sent, and what would be sent is shown to it. */
  readonly preview?: ((what: string) => void) | undefined;
}

/** Sends, or shows, what a reporter reports of a build, whatever its filters say. Nothing of it is written down. */
export async function testReport({ config, database, reporter, buildid, preview }: ReportTest): Promise<void> {
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
  if (plugin.contextOf(event, options) === null)
    throw errors.requestInvalid(`The reporter "${reporter}" has nothing to report of build ${buildid}.`);
  const stopping = new AbortController();
  const context = { name: reporter, clock: systemClock, log: silentLog, signal: stopping.signal, preview };
  const sender = await plugin.open({ ...context, cluster: { name, url } }, options);
  try {
    const reads = {
      readDetails: (id: number) => readBuildDetails(database, id),
      readChanges: (id: number) => readChanges(database, id),
      readLogTail: (id: number, lines: number) => readLogTail(database, id, lines),
    };
    await sender.send(openReport(event, reads, { url }), {
      id: `test-${buildid}-${Date.now()}`,
      unsure: false,
      memory: undefined,
      remember: () => undefined,
      offerRerun: () => undefined,
    });
  } catch (error) {
    if (error instanceof ReportFailure) throw errors.reportNotSent(reporter, error.message);
    throw error;
  } finally {
    stopping.abort();
    await sender.close?.();
  }
}
