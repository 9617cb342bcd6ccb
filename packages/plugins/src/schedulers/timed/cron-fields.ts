/** A field of a timetable, and what its values are called. */
export interface CronField {
  /** As an option of `nightly`. */
  readonly name: "minute" | "hour" | "dayOfMonth" | "month" | "dayOfWeek";
  readonly least: number;
  readonly most: number;
  /** At least three letters of one are enough. */
  readonly names: readonly string[];
}

const months = [
  "january",
  "february",
  "march",
  "april",
  "may",
  "june",
  "july",
  "august",
  "september",
  "october",
  "november",
  "december",
];
const weekdays = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];

/** In the order of a cron text. A day of the week is 0 to 7 there: Sunday is 0, and 7 as well. */
export const cronFields: readonly CronField[] = [
  { name: "minute", least: 0, most: 59, names: [] },
  { name: "hour", least: 0, most: 23, names: [] },
  { name: "dayOfMonth", least: 1, most: 31, names: [] },
  { name: "month", least: 1, most: 12, names: months },
  { name: "dayOfWeek", least: 0, most: 7, names: weekdays },
];

/** A timetable that cannot be read, with the option that is wrong. */
export class TimetableError extends Error {
  readonly option: string;

  constructor(option: string, message: string) {
    super(message);
    this.option = option;
  }
}

/** The values of one field of a cron text, such as "1-5", "*\/15" or "mon,wed"; undefined: all. */
export function parseCronField(text: string, field: CronField, option: string): ReadonlySet<number> | undefined {
  if (text === "*") return undefined;
  const values = new Set<number>();
  for (const item of text.split(",")) for (const value of parseItem(item.trim(), field, option)) values.add(value);
  return values;
}

function parseItem(item: string, field: CronField, option: string): number[] {
  const { least, most, names, name } = field;
  const [, range = "", step] = /^([^/]+)(?:\/(\d+))?$/.exec(item) ?? [];
  const [from = "", to] = range === "*" ? [String(least), String(name === "dayOfWeek" ? 6 : most)] : range.split("-");
  const first = parseValue(from, field);
  const last = to === undefined ? first : parseValue(to, field);
  const every = step === undefined ? 1 : Number(step);
  const isWrapped = name === "dayOfWeek" && first !== undefined && last !== undefined && last < first;
  if (
    first === undefined ||
    last === undefined ||
    every < 1 ||
    (last < first && !isWrapped) ||
    range.split("-").length > 2
  ) {
    const example = names.length > 0 ? `${names[1]?.slice(0, 3)}-${names[3]?.slice(0, 3)}` : `${least}-${least + 4}`;
    throw new TimetableError(
      option,
      `"${item}" is no ${name}: write numbers from ${least} to ${most}, "*", "*/2", "${example}", or several with commas`,
    );
  }
  // A step without a range would be one value.
  if (step !== undefined && to === undefined)
    throw new TimetableError(
      option,
      `"${item}" has a step without a range: write "${first}-${most}/${step}" or "*/${step}"`,
    );
  const end = isWrapped ? last + 7 : last;
  if (step !== undefined && end > first && every > end - first)
    throw new TimetableError(
      option,
      `"${item}" is only the ${name} ${from}: the step of ${every} leads past ${range === "*" ? end : to}; write "${from}", or a step up to ${end - first}`,
    );
  const values: number[] = [];
  for (let value = first; value <= end; value += every) values.push(name === "dayOfWeek" ? value % 7 : value);
  return values;
}

function parseValue(text: string, { least, most, names, name }: CronField): number | undefined {
  const index = text.length < 3 ? -1 : names.findIndex((one) => one.startsWith(text.toLowerCase()));
  if (index >= 0) return name === "month" ? index + 1 : index;
  const value = /^\d{1,2}$/.test(text) ? Number(text) : Number.NaN;
  return value >= least && value <= most ? value : undefined;
}

/**
 * A field of `nightly` as Buildbot writes it: a number, a list, or a text. Days of the week are counted from Monday = 0 there,
 * unlike in a cron text, so that a text with a range of numbers would be read in one way or the other.
 */
export function parseOption(
  value: number | string | readonly (number | string)[],
  field: CronField,
): ReadonlySet<number> | undefined {
  const items = (Array.isArray(value) ? value : typeof value === "string" ? value.split(",") : [value]) as (
    | number
    | string
  )[];
  const texts = items.map((item) => String(item).trim());
  // That a list is empty is reported by itself.
  if (texts.includes("*") || texts.length === 0) return undefined;
  if (field.name !== "dayOfWeek") return parseCronField(texts.join(","), field, field.name);
  return parseCronField(texts.map(toCronWeekday).join(","), field, field.name);
}

function toCronWeekday(text: string): string {
  if (/^[0-6]$/.test(text)) return String((Number(text) + 1) % 7);
  if (!/^[a-z]{3,9}(-[a-z]{3,9})?(\/\d+)?$|^\*\/\d+$/i.test(text))
    throw new TimetableError(
      "dayOfWeek",
      `"${text}" is no day of the week: numbers are 0 (Monday) to 6 (Sunday); write a range with names, such as "mon-fri"`,
    );
  return text;
}
