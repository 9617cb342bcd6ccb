import { z } from "zod";

const count = z.int().nonnegative();

/** How much of everything was deleted, or would be. */
export const amounts = z.object({
  builds: count.default(0),
  requests: count.default(0),
  logs: count.default(0),
  bytes: count.default(0),
  test_results: count.default(0),
  changes: count.default(0),
  source_stamps: count.default(0),
  audit_entries: count.default(0),
});

export type Amounts = z.output<typeof amounts>;

/** What one run did, rule by rule. */
export const retentionReport = z.object({
  rules: z.array(
    z.object({
      rule: z.string(),
      delete: z.string(),
      total: amounts,
      /** By builder; a few thousand at most. */
      builders: z.record(z.string(), amounts),
    }),
  ),
});

export type RetentionReport = z.output<typeof retentionReport>;

export const noAmounts = (): Amounts => amounts.parse({});

/** Builders that a report names one by one. */
const maxBuilders = 2000;

/** Adds to a report what a rule did to a builder, or to what has none. */
export function addToReport(
  report: RetentionReport,
  rule: { readonly name: string; readonly delete: string },
  builder: string | undefined,
  some: Partial<Amounts>,
): void {
  let entry = report.rules.find((one) => one.rule === rule.name);
  if (!entry) {
    entry = { rule: rule.name, delete: rule.delete, total: noAmounts(), builders: {} };
    report.rules.push(entry);
  }
  addAmounts(entry.total, some);
  if (builder === undefined) return;
  const isKnown = Object.hasOwn(entry.builders, builder);
  if (!isKnown && Object.keys(entry.builders).length >= maxBuilders) return;
  if (!isKnown) Object.defineProperty(entry.builders, builder, { value: noAmounts(), enumerable: true });
  addAmounts(entry.builders[builder] as Amounts, some);
}

function addAmounts(to: Amounts, some: Partial<Amounts>): void {
  for (const key of Object.keys(to) as (keyof Amounts)[]) to[key] += some[key] ?? 0;
}
