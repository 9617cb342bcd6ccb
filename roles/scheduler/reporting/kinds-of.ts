import type { ReportKind } from "@multimaster/core";
import type { ConfiguredReporter } from "./configured-reporter.ts";

/** What a reporter wants to be asked about. */
export const kindsOf = ({ plugin, options }: ConfiguredReporter): readonly ReportKind[] => [
  ...new Set(options.events ?? plugin.events),
];
