import { parentPort, workerData } from "node:worker_threads";
import type { ReportFormat } from "./formats/report-formats.ts";
import { type ParsedEnd, type ParsedPart, ReportParser } from "./parse-report.ts";

/** The requests to the thread; it answers each in order. */
export type ParseRequest = { readonly kind: "write"; readonly block: Uint8Array } | { readonly kind: "end" };
export type ParseAnswer = ParsedPart | ParsedEnd;

const format = workerData as ReportFormat;
let parser = new ReportParser(format);

parentPort?.on("message", (request: ParseRequest) => {
  const answer: ParseAnswer = request.kind === "write" ? parser.write(request.block) : parser.end();
  if (request.kind === "end") parser = new ReportParser(format);
  parentPort?.postMessage(answer);
});
