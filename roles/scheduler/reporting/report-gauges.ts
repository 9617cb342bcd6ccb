import { Counter, Gauge, type Registry } from "@multimaster/core";

/** Metrics of the reporters that run on this master. */
export interface ReportGauges {
  count(reporter: string, outcome: "sent" | "overtaken" | "skipped" | "failed" | "dead"): void;
  showProblem(reporter: string, problem: string | null): void;
  /** It runs here no more. */
  forget(reporter: string): void;
}

/** Registers the metrics, or finds them where another term of this master has registered them. */
export function createReportGauges(registry: Registry): ReportGauges {
  const failing =
    (registry.getSingleMetric("multimaster_reporter_failing") as Gauge | undefined) ??
    new Gauge({
      name: "multimaster_reporter_failing",
      help: "1 while the target of a reporter of this master takes no reports; the page Reports says why.",
      labelNames: ["reporter"],
      registers: [registry],
    });
  const reports =
    (registry.getSingleMetric("multimaster_reports_total") as Counter | undefined) ??
    new Counter({
      name: "multimaster_reports_total",
      help: "Reports of this master by what became of an attempt: sent, overtaken by a later one, skipped (there was nothing to send), failed, or dead: given up.",
      labelNames: ["reporter", "outcome"],
      registers: [registry],
    });
  return {
    count: (reporter, outcome) => reports.inc({ reporter, outcome }),
    showProblem: (reporter, problem) => failing.set({ reporter }, problem === null ? 0 : 1),
    forget: (reporter) => failing.remove({ reporter }),
  };
}
