import type { ReportedChange, ReportedStep, ReportedTest } from "@multimaster/data";
import type { ReportedEvent } from "../../reported-event.ts";

/** The last lines of a log of a step that failed. */
export interface LogTail {
  readonly step: string;
  readonly log: string;
  readonly text: string;
}

/** What a template may show. */
export interface MessageFacts extends ReportedEvent {
  readonly url: string;
  readonly cluster: string;
  readonly steps: readonly ReportedStep[];
  /** Newest first. */
  readonly changes: readonly ReportedChange[];
  readonly failingTests: readonly ReportedTest[];
  readonly logs: readonly LogTail[];
}

/** A message for people. */
export interface Message {
  /** One line. */
  readonly subject: string;
  readonly text: string;
  /** Of mail; of chats that show HTML, their part of it. */
  readonly html?: string | undefined;
}

export type Template = (facts: MessageFacts) => Message;
