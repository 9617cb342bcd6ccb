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
  "firstFailure",
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
  events: z.array(z.enum(reportKinds)).min(1).optional().describe("What is reported."),
  builders: globs("of these builders"),
  tags: z.array(z.string().min(1)).min(1).optional().describe("Only builds of builders with one of these tags."),
  branches: globs("of these branches"),
  schedulers: globs("of these schedulers"),
  authors: globs("with a change of these authors"),
  properties: z
    .record(z.string().min(1), z.union([z.string(), z.array(z.string()).min(1)]))
    .optional()
    .describe(
      "Only builds and buildsets with these properties: the value of each is a text, or a list of them, where * matches any text; what is no text is compared as JSON.",
    ),
  steps: z
    .array(z.string().min(1))
    .min(1)
    .optional()
    .describe("Of `step-started` and `step-ended`: only steps of these names; * matches any text. Needed for them."),
  waitingAfter: duration
    .optional()
    .describe("Of `request-waiting`: how long a build request waits before it is reported; default: 30 minutes."),
  modes: z
    .array(z.enum(reportModes))
    .min(1)
    .default(["all"])
    .describe(
      'Which ends of builds and buildsets: "all"; by result "failing", "passing", "warnings", "exception", "cancelled"; against the builder\'s previous build "change" (another result), "problem" (fails and did not before), "fixed" (passes and did not before), "firstFailure" (a "problem", unless another of the chosen builders has begun to fail in the same buildset). The previous build is the one before it on the same branch. Of steps and buildsets only the result counts.',
    ),
  muted: z
    .enum(["skip", "report"])
    .optional()
    .describe(
      'Failures of a builder and branch that a user has muted: "skip" leaves them out, "report" treats them as others. The default is "skip" for messages to people, and "report" for programs. Statuses, checks and other states of commits are shown in any case.',
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

/** When a request of one builder is reported, in seconds. */
export const waitingAfterOf = ({ waitingAfter = 1_800_000 }: Pick<ReporterOptions, "waitingAfter">): number =>
  Math.ceil(waitingAfter / 1000);

export type ReporterOptions = z.output<typeof all>;
