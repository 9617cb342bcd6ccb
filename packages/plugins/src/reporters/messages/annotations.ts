import { append } from "@multimaster/core";
import type { ReportedTest } from "@multimaster/data";
import type { Report } from "../../define-reporter.ts";
import { cutText } from "./cut-text.ts";
import { maskSecrets } from "./message.ts";
import type { MessageFacts } from "./message-facts.ts";
import { showSafely } from "./show-safely.ts";

/** GitHub takes so many at a time. */
const mostAnnotations = 50;
/** Logs of warnings that are read, and lines of each. */
const most = { logs: 5, lines: 200 };
const longest = { title: 255, message: 16_000 };

/** Something at a line of a file, as forges show it. */
export interface Annotation {
  readonly path: string;
  readonly start_line: number;
  readonly end_line: number;
  readonly annotation_level: "failure" | "warning";
  readonly title: string;
  readonly message: string;
}

/** Failing tests and warnings at their lines, without secrets: tests first. What names no file of the repository is left out. */
export async function listAnnotations(
  report: Report,
  { failingTests, steps }: Pick<MessageFacts, "failingTests" | "steps">,
  secrets: readonly string[],
): Promise<Annotation[]> {
  const found = failingTests.flatMap(annotateTest);
  const logs = steps.flatMap((step) =>
    step.logs.filter(({ name }) => name === "warnings").map((log) => ({ step: step.name, logid: log.logid })),
  );
  for (const { step, logid } of logs.slice(0, most.logs)) {
    if (found.length >= mostAnnotations) break;
    const text = await report.logTail(logid, most.lines);
    for (const line of text.split("\n")) append(found, annotateWarning(step, line));
  }
  const mask = (text: string) => showSafely(maskSecrets(text, secrets));
  return found.slice(0, mostAnnotations).map((one) => ({ ...one, title: mask(one.title), message: mask(one.message) }));
}

function annotateTest({ name, path, line, value }: ReportedTest): Annotation[] {
  const file = path === null ? undefined : fileOf(path);
  if (file === undefined) return [];
  return [annotation(file, line ?? 1, "failure", { title: name, message: `${name}: ${value}` })];
}

/** `src/main.c:12:5: warning: unused variable`, and the same with `(12)` for the line. */
const located = /^([^:()\s][^:()]*)[:(](\d{1,9})[:),][\d,:)]*\s*(.*)$/;

function annotateWarning(step: string, text: string): Annotation[] {
  const [, path = "", line = "1", message = ""] = located.exec(text.slice(0, longest.message)) ?? [];
  const file = fileOf(path);
  if (file === undefined || message === "") return [];
  return [annotation(file, Number(line), "warning", { title: step, message })];
}

function annotation(
  path: string,
  line: number,
  annotation_level: Annotation["annotation_level"],
  { title, message }: { readonly title: string; readonly message: string },
): Annotation {
  const at = Math.max(1, line);
  return {
    path,
    start_line: at,
    end_line: at,
    annotation_level,
    title: cutText(title, longest.title),
    message: cutText(message, longest.message),
  };
}

/** A path within the repository; GitHub refuses all annotations if one has another. */
function fileOf(path: string): string | undefined {
  const clean = path.replaceAll("\\", "/").replace(/^(\.\/)+/, "");
  const isInside =
    clean !== "" && !clean.startsWith("/") && !/^[A-Za-z]:/.test(clean) && !clean.split("/").includes("..");
  return isInside ? clean : undefined;
}
