import { functionOf } from "@multimaster/config";
import { describeCause, findGreatest, type ReportKind, Results } from "@multimaster/core";
import { z } from "zod";
import type { Report } from "../../define-reporter.ts";
import { callForData, FunctionSuspended, waitForFunction } from "../guard-calls.ts";
import { cutFront } from "./cut-text.ts";
import type { Message, MessageFacts, Template } from "./message-facts.ts";
import { sampleFacts } from "./sample-facts.ts";
import { showSafely } from "./show-safely.ts";

/** Options of reporters that send messages. */
export const messageShape = {
  message: functionOf<Template>("a template: a function that returns { subject, text, html }")
    .optional()
    .describe("Makes the message; `plainMessage`, `markdownMessage` and `htmlMessage` are ready ones."),
  logLines: z.int().min(0).max(500).default(20).describe("Last lines shown of logs of steps that failed; 0: none."),
};

/** Logs that a message shows at most. */
const mostLogs = 3;
const isBad = (results: number | null) => results === Results.FAILURE || results === Results.EXCEPTION;

/** A single line may be as long as a log. */
const longestTail = 8000;

/** Reads what templates may show. */
export async function readFacts(report: Report, cluster: string, logLines: number): Promise<MessageFacts> {
  const { steps, changes, failingTests } = await report.details();
  const wanted =
    logLines === 0
      ? []
      : steps
          .filter(({ results }) => isBad(results))
          .flatMap((step) => step.logs.map((log) => ({ step, log })))
          .slice(0, mostLogs);
  const logs = await Promise.all(
    wanted.map(async ({ step, log }) => ({
      step: step.name,
      log: log.name,
      text: cutFront((await report.logTail(log.logid, logLines)).trimEnd(), longestTail),
    })),
  );
  const { event, at, build, step, buildset, request, worker, master, url } = report;
  const about = { build, step, buildset, request, worker, master };
  return { event, at, ...about, url, cluster, steps, changes, failingTests, logs };
}

/** Puts a sign in place of each secret; what is very short is none, but a part of words. */
export const maskSecrets = (value: string, secrets: readonly string[]): string =>
  secrets.filter((secret) => secret.length > 3).reduce((masked, secret) => masked.replaceAll(secret, "…"), value);

const shape = z.object({ subject: z.string().min(1), text: z.string(), html: z.string().optional() });

/** Parts of logs that are shown of what has no room. */
const shrink = 0.6;
/** Less of a log says nothing. */
const shortestLog = 60;

/**
 * The same, of which a target takes a part only: what it has no room for is left out of the beginning of logs, since their last lines
 * say what went wrong. A message that does not fit without logs is returned without them.
 */
export function makeFittingMessage(
  facts: MessageFacts,
  template: Template,
  secrets: readonly string[],
  fits: (message: Message, facts: MessageFacts) => boolean,
): { message: Message; facts: MessageFacts } {
  const safe = hideIn(facts, secrets);
  const make = (logs: MessageFacts["logs"]) => {
    const of = { ...safe, logs };
    return { facts: of, message: finish(of, template, secrets) };
  };
  let made = make(safe.logs);
  let each = findGreatest(safe.logs, ({ text }) => text.length) ?? 0;
  while (each > 0 && !fits(made.message, made.facts)) {
    each = Math.floor(each * shrink);
    if (each < shortestLog) each = 0;
    made = make(each === 0 ? [] : safe.logs.map((log) => ({ ...log, text: cutFront(log.text, each) })));
  }
  return made;
}

/** Makes a message by a template, which must not return a promise, and hides secrets in it. */
export const makeMessage = (facts: MessageFacts, template: Template, secrets: readonly string[] = []): Message =>
  finish(hideIn(facts, secrets), template, secrets);

/** Without secrets and unsafe characters: before the template escapes them, which changes their letters. */
const hideIn = (facts: MessageFacts, secrets: readonly string[]): MessageFacts =>
  maskAll(facts, (value) => showSafely(maskSecrets(value, secrets))) as MessageFacts;

function finish(facts: MessageFacts, template: Template, secrets: readonly string[]): Message {
  const mask = (value: string) => showSafely(maskSecrets(value, secrets));
  let made: Message;
  try {
    made = render(facts, template);
  } catch (error) {
    if (error instanceof FunctionSuspended) throw waitForFunction("message", error);
    throw new Error(`the template failed: ${explain(error)}`, { cause: error });
  }
  const { subject, text, html } = made;
  return { subject: mask(subject).replaceAll(/\s+/g, " "), text: mask(text), html: html && mask(html) };
}

/** The same value with each text in it masked. */
function maskAll(value: unknown, mask: (text: string) => string): unknown {
  if (typeof value === "string") return mask(value);
  if (Array.isArray(value)) return value.map((one) => maskAll(one, mask));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, maskAll(one, mask)]));
}

interface TemplateChoice {
  readonly message?: Template | undefined;
  /** Absent: everything that may happen. */
  readonly events?: readonly ReportKind[] | undefined;
}

/** Lets a template make messages for sample builds; returns what is wrong, as the config's check shows it. */
export function checkTemplate({ message, events }: TemplateChoice): string[] {
  if (!message) return [];
  const wanted = sampleFacts().filter(({ facts }) => events?.includes(facts.event) ?? true);
  const failed = new Map<string, string[]>();
  for (const { name, facts } of wanted)
    try {
      render(facts, message);
    } catch (error) {
      // One that hangs is not called again for a while, which says nothing more.
      if (error instanceof FunctionSuspended) continue;
      const why = explain(error);
      failed.set(why, [...(failed.get(why) ?? []), name]);
    }
  return [...failed].map(([why, [first, ...others]]) => {
    const more = others.length === 0 ? "" : ` and ${others.length === 1 ? others[0] : `${others.length} others`}`;
    return `.message: the template fails for ${first}${more}: ${why}`;
  });
}

function render(facts: MessageFacts, template: Template): Message {
  const made = callForData(template, () => template(facts));
  if (made instanceof Promise) {
    made.catch(() => undefined);
    throw new Error("it returned a promise: a template must not be async");
  }
  return shape.parse(made);
}

const explain = (error: unknown): string => (error instanceof z.ZodError ? describeShape(error) : describeCause(error));

const describeShape = (error: z.ZodError) =>
  `it must return { subject, text } (${error.issues.map(({ path, message }) => (path.length === 0 ? message : `${path.join(".")}: ${message}`)).join("; ")})`;
