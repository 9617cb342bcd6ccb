import type { Report, ReporterContext } from "../../define-reporter.ts";
import type { ReportedEvent } from "../../reported-event.ts";
import { contextOfOther } from "../event-context.ts";
import { httpShape } from "../http/http-shape.ts";
import { makeFittingMessage, messageShape, readFacts } from "../messages/message.ts";
import type { Message, MessageFacts, Template } from "../messages/message-facts.ts";
import { reporterShape } from "../reporter-options.ts";

/** Options of reporters that write to a chat. */
export const chatShape = {
  ...reporterShape,
  ...messageShape,
  ...httpShape,
  logLines: messageShape.logLines.default(5),
};

/** Messages about one builder, buildset or worker are in order. */
export function chatContext(event: ReportedEvent): string {
  return event.build ? `builder ${event.build.builderid}` : contextOfOther(event);
}

/** Makes the message of a report; `fits`: whether the chat takes the whole of it. */
export async function chatMessage(
  ctx: ReporterContext,
  report: Report,
  options: { readonly message?: Template | undefined; readonly logLines: number },
  {
    template,
    secrets,
    fits,
  }: {
    readonly template: Template;
    readonly secrets: readonly string[];
    readonly fits: (message: Message, facts: MessageFacts) => boolean;
  },
): Promise<{ message: Message; facts: MessageFacts }> {
  const facts = await readFacts(report, ctx.cluster.name, options.logLines);
  return makeFittingMessage(facts, options.message ?? template, secrets, fits);
}
