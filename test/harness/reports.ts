import type { PluginDescriptor } from "@multimaster/config";
import { type Result, silentLog, systemClock } from "@multimaster/core";
import type { Delivery, Report, ReporterContext, ReporterDefinition, ReporterOptions } from "@multimaster/plugins";
import { sampleFacts } from "@multimaster/plugins/reporters/messages/sample-facts";

/** A report of the sample build with this result, asked for with these properties. */
export function reportOf(results: Result | null, properties: Record<string, string | number> = {}): Report {
  const sample = sampleFacts().find(({ facts }) => facts.build && facts.build.results === results);
  if (!sample?.facts.build) throw new Error(`no sample with result ${results}`);
  const { facts } = sample;
  const { event, at, build, url, steps, changes, failingTests, logs } = facts;
  return {
    event,
    at,
    url,
    build: build && {
      ...build,
      properties: { ...build.properties, ...properties },
      requestProperties: { ...build.requestProperties, ...properties },
    },
    details: async () => ({ steps, changes, failingTests }),
    changes: async () => changes,
    logTail: async () => logs[0]?.text ?? "",
  };
}

/** Sends through a reporter, as the scheduler role does; with `preview` it is only shown, as `master report test --dry-run` does. */
export async function sendReport(
  descriptor: PluginDescriptor<"reporter">,
  report: Report,
  { preview, ...more }: Partial<Delivery> & Pick<ReporterContext, "preview"> = {},
) {
  const plugin = descriptor.plugin as unknown as ReporterDefinition;
  const options = plugin.options.parse(descriptor.options) as ReporterOptions;
  const cluster = { name: "test", url: "https://ci.example.org/" };
  const context = {
    name: options.name,
    clock: systemClock,
    log: silentLog,
    signal: new AbortController().signal,
    preview,
  };
  const sender = await plugin.open({ ...context, cluster }, options);
  try {
    await sender.send(report, {
      id: "test-7-1",
      unsure: false,
      memory: undefined,
      remember: () => {},
      inOrder: (_, deliver) => deliver(),
      skip: () => {},
      offerRerun: () => {},
      ...more,
    });
  } finally {
    await sender.close?.();
  }
}

/** A report of a missing worker. */
export function workerReport(): Report {
  const sample = sampleFacts().find(({ facts }) => facts.worker);
  if (!sample) throw new Error("no sample of a worker");
  const { event, at, url, worker } = sample.facts;
  const nothing = { steps: [], changes: [], failingTests: [] };
  return { event, at, url, worker, details: async () => nothing, changes: async () => [], logTail: async () => "" };
}
