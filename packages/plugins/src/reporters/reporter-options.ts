import { functionOf, plainName } from "@multimaster/config";
import { duration, reportKinds } from "@multimaster/core";
import { z } from "zod";
import type { ReportedEvent } from "../reported-event.ts";

/** Which ends of builds are reported. */
export const reportModes = [
  "all",
  "failing",
  "passing",
  "warnings",
  "exception",
  "cancelled",
  "change",
  "problem",
  "fixed",
] as const;

export type ReportMode = (typeof reportModes)[number];

export type ReportFilter = (event: ReportedEvent) => boolean;

const globs = (what: string) =>
  z.array(z.string().min(1)).min(1).optional().describe(`Only builds ${what}; * matches any text.`);

/** Options that every reporter has. */
export const reporterShape = {
  name: plainName(200)
    .regex(/^\S/, "must not begin with a space")
    .describe("The reporter's name, unique in the cluster."),
  events: z
    .array(z.enum(reportKinds))
    .min(1)
    .optional()
    .describe("What is reported; the default depends on the reporter."),
  builders: globs("of these builders"),
  tags: z.array(z.string().min(1)).min(1).optional().describe("Only builds of builders with one of these tags."),
  branches: globs("of these branches"),
  schedulers: globs("of these schedulers"),
  modes: z
    .array(z.enum(reportModes))
    .min(1)
    .default(["all"])
    .describe(
      'Which ends of builds and buildsets: "all"; by result "failing", "passing", "warnings", "exception", "cancelled"; against the builder\'s previous build "change" (another result), "problem" (fails and did not before), "fixed" (passes and did not before).',
    ),
  filter: functionOf<ReportFilter>("a function that returns whether to report an event")
    .optional()
    .describe("Called last, with the event, its build and the build before; must return immediately."),
  giveUpAfter: duration
    .prefault("3d")
    .describe("A report that is older is given up while its target is away. It can be sent again by hand."),
  attempts: z
    .int()
    .min(1)
    .max(100)
    .default(8)
    .describe("A report that the target refuses so often is given up, while others get through."),
  parallel: z.int().min(1).max(32).default(4).describe("Reports that are sent at a time; of one context always one."),
};

const all = z.object(reporterShape);

export type ReporterOptions = z.output<typeof all>;
