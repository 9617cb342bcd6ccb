import { isTimeZone } from "@multimaster/core";
import { z } from "zod";
import { TimetableError } from "./cron-fields.ts";
import { explainNever, parseCron, parseFields, type Timetable } from "./next-run.ts";

/** Options of every scheduler that the clock runs. */
export const slotShape = {
  missed: z
    .enum(["run-once", "skip"])
    .default("run-once")
    .describe(
      "What happens when no scheduler master ran at its time: the latest missed run is made up for, once; or nothing is.",
    ),
};

const fieldNames = ["minute", "hour", "dayOfMonth", "month", "dayOfWeek"] as const;
const every = { minute: "*", hour: "*", dayOfMonth: "*", month: "*", dayOfWeek: "*" } as const;

/** One field of a timetable, judged by itself, so that all that are wrong are listed together. */
const fieldOf = (name: (typeof fieldNames)[number]) =>
  z
    .union([z.int(), z.string(), z.array(z.union([z.int(), z.string()])).min(1)])
    .superRefine((value, ctx) => addProblem(ctx, () => parseFields({ ...every, [name]: value }, "UTC")));

function addProblem(ctx: z.RefinementCtx, read: () => Timetable): void {
  try {
    read();
  } catch (error) {
    if (!(error instanceof TimetableError)) throw error;
    ctx.addIssue({ code: "custom", message: error.message });
  }
}

/** When a nightly scheduler runs. */
export const timetableShape = {
  cron: z
    .string()
    .superRefine((text, ctx) => addProblem(ctx, () => parseCron(text, "UTC")))
    .optional()
    .describe(
      'In place of the five fields: a cron text such as "30 2 * * mon-fri", where Sunday is 0 and 7; or "@daily".',
    ),
  minute: fieldOf("minute").optional().describe('A number, a list, or a text such as "*" or "*/15"; absent: 0.'),
  hour: fieldOf("hour").optional().describe("The same; absent: every hour."),
  dayOfMonth: fieldOf("dayOfMonth")
    .optional()
    .describe("The same; absent: every day. With dayOfWeek too, either suffices."),
  month: fieldOf("month").optional().describe('The same, or names such as "jan"; absent: every month.'),
  dayOfWeek: fieldOf("dayOfWeek")
    .optional()
    .describe('Numbers from 0 (Monday) to 6, or names, such as "mon-fri" or ["sat", "sun"]; absent: every day.'),
  timeZone: z
    .string()
    .default("UTC")
    .refine(isTimeZone, {
      error: ({ input }) => `"${String(input)}" is no time zone: write a name such as "Europe/Berlin" or "UTC"`,
    })
    .describe("Time zone of these times, by its IANA name, the same on every master."),
  runAtStart: z.boolean().default(false).describe("Runs once, too, when it starts for the first time."),
};

const timetableOptions = z.object(timetableShape);
type TimetableOptions = z.output<typeof timetableOptions>;

/** The timetable in the options. Throws a TimetableError. */
export function readTimetable({ cron, timeZone, ...fields }: TimetableOptions): Timetable {
  const given = fieldNames.find((name) => fields[name] !== undefined);
  if (cron !== undefined && given) throw new TimetableError(given, besideCron);
  if (cron !== undefined) return parseCron(cron, timeZone);
  const { minute = 0, hour = "*", dayOfMonth = "*", month = "*", dayOfWeek = "*" } = fields;
  return parseFields({ minute, hour, dayOfMonth, month, dayOfWeek }, timeZone);
}

/** Adds a problem for a timetable that never runs, or has fields beside a cron text. */
export function checkTimetable(options: TimetableOptions, ctx: z.RefinementCtx): void {
  const given = fieldNames.find((name) => options[name] !== undefined);
  if (options.cron !== undefined && given !== undefined)
    ctx.addIssue({ code: "custom", path: [given], message: besideCron });
  try {
    const never = explainNever(readTimetable({ ...options, timeZone: "UTC" }));
    if (never !== undefined)
      ctx.addIssue({ code: "custom", path: [options.cron === undefined ? "dayOfMonth" : "cron"], message: never });
  } catch (error) {
    // The field says it itself.
    if (!(error instanceof TimetableError)) throw error;
  }
}

const besideCron = 'has no effect beside "cron": keep one of them';

/** A text that is another one for another timetable. */
export function specOf(timetable: Timetable): string {
  return JSON.stringify(timetable, (_, value: unknown) =>
    value instanceof Set ? [...value].sort((a, b) => a - b) : value,
  );
}
