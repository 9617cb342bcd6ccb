import type { Log, Step } from "@multimaster/data";
import { useEffect, useState } from "preact/hooks";
import { list } from "../api/read.ts";
import { stripAnsi } from "./ansi.ts";
import { readLines, splitStream } from "./read-log.ts";
import { searchLog, unsearched } from "./search-log.ts";
import type { SearchPattern } from "./search-pattern.ts";

/** Lines that are shown of one log; the log's own page has the others. */
const mostShown = 5;
/** A search ends after so many logs. */
const mostLogs = 500;

interface Hits {
  readonly step: Step;
  readonly log: Log;
  readonly found: readonly number[];
  readonly lines: readonly string[];
}

/** What all logs of a build have of the text that is searched. */
export function SearchBuild({
  buildid,
  href,
  text,
  pattern,
}: {
  buildid: number;
  /** The address of the build's page. */
  href: string;
  text: string;
  pattern: SearchPattern;
}) {
  const [hits, setHits] = useState<readonly Hits[]>([]);
  const [searched, setSearched] = useState(0);
  const [isDone, setDone] = useState(false);
  useEffect(() => {
    setHits([]);
    setSearched(0);
    setDone(false);
    const controller = new AbortController();
    const timer = setTimeout(async () => {
      await searchAll(buildid, pattern, controller.signal, (each) => {
        setSearched((n) => n + 1);
        if (each.found.length > 0) setHits((old) => [...old, each]);
      }).catch(() => undefined);
      if (!controller.signal.aborted) setDone(true);
    }, 300);
    return () => {
      clearTimeout(timer);
      controller.abort();
    };
  }, [buildid, text]);
  const query = `?q=${encodeURIComponent(text)}`;
  return (
    <section class="log-everywhere" aria-label="Found in all steps">
      <p class="quiet" aria-live="polite">
        {isDone && hits.length === 0 ? "No step has this. " : ""}
        {searched} {searched === 1 ? "log" : "logs"} searched{isDone ? "" : "…"}
      </p>
      <ul>
        {hits.map(({ step, log, found, lines }) => (
          <li key={log.logid}>
            <a href={`${href}/steps/${step.number}/logs/${log.slug}${query}`}>
              {step.name} / {log.name}
            </a>{" "}
            <span class="quiet num">{found.length.toLocaleString()}</span>
            <ul>
              {lines.map((line, i) => (
                <li key={found[i]}>
                  <a href={`${href}/steps/${step.number}/logs/${log.slug}${query}#L${(found[i] ?? 0) + 1}`} class="cut">
                    <span class="num quiet">{(found[i] ?? 0) + 1}</span> {line}
                  </a>
                </li>
              ))}
            </ul>
          </li>
        ))}
      </ul>
    </section>
  );
}

async function searchAll(
  buildid: number,
  pattern: SearchPattern,
  signal: AbortSignal,
  report: (hits: Hits) => void,
): Promise<void> {
  let count = 0;
  const steps = await list("steps", `builds/${buildid}/steps`, {});
  for (const step of steps.items.filter(({ hidden }) => !hidden)) {
    const logs = await list("logs", `steps/${step.stepid}/logs`, {});
    for (const log of logs.items.filter(({ type }) => type === "s" || type === "t")) {
      const { found } = await searchLog(log, pattern, () => undefined, signal, unsearched);
      const lines = await Promise.all(found.slice(0, mostShown).map((line) => readLine(log, line)));
      if (signal.aborted || count++ >= mostLogs) return;
      report({ step, log, found, lines });
    }
  }
}

async function readLine(log: Log, line: number): Promise<string> {
  const [text = ""] = await readLines(log.logid, line, 1);
  return stripAnsi(splitStream(text, log.type).text).trim().slice(0, 300);
}
