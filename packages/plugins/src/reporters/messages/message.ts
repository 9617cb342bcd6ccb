import { functionOf } from "@multimaster/config";
import { callContained, describeCause, Results } from "@multimaster/core";
import { z } from "zod";
import type { Report } from "../../define-reporter.ts";
import type { Message, MessageFacts, Template } from "./message-facts.ts";
import { sampleFacts } from "./sample-facts.ts";

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
      text: (await report.logTail(log.logid, logLines)).trimEnd(),
    })),
  );
  const { event, at, build, buildset, worker, url } = report;
  return { event, at, build, buildset, worker, url, cluster, steps, changes, failingTests, logs };
}

const shape = z.object({ subject: z.string().min(1), text: z.string(), html: z.string().optional() });

/** Makes a message by a template, which must not return a promise, and hides secrets in it. */
export function makeMessage(facts: MessageFacts, template: Template, secrets: readonly string[] = []): Message {
  const { subject, text, html } = shape.parse(callContained(() => template(facts)));
  const mask = (value: string) =>
    secrets.filter((secret) => secret.length > 3).reduce((masked, secret) => masked.replaceAll(secret, "…"), value);
  return { subject: mask(subject).replaceAll(/\s+/g, " "), text: mask(text), html: html && mask(html) };
}

/** Lets a template make messages for sample builds; returns what is wrong, as the config's check shows it. */
export function checkTemplate({ message }: { readonly message?: Template | undefined }): string[] {
  if (!message) return [];
  return sampleFacts().flatMap(({ name, facts }) => {
    try {
      makeMessage(facts, message);
      return [];
    } catch (error) {
      const why = error instanceof z.ZodError ? describeShape(error) : describeCause(error);
      return [`.message: the template fails for ${name}: ${why}`];
    }
  });
}

const describeShape = (error: z.ZodError) =>
  `it must return { subject, text } (${error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`).join("; ")})`;
