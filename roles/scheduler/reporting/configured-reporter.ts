import type { ReporterDefinition, ReporterOptions } from "@multimaster/plugins";

/** A reporter of the config. */
export interface ConfiguredReporter {
  readonly name: string;
  readonly plugin: ReporterDefinition;
  readonly options: ReporterOptions;
}
