import { type Result, resultName } from "@multimaster/core";
import type { Build, Step } from "@multimaster/data";
import type { BuildEvent } from "./client/follow-build.ts";
import type { LogLine } from "./client/follow-log.ts";
import type { Terminal } from "./terminal.ts";

const marks: Readonly<Record<string, readonly [mark: string, style: Parameters<Terminal["style"]>[0]]>> = {
  success: ["✓", "green"],
  warnings: ["!", "yellow"],
  failure: ["✗", "red"],
  exception: ["✗", "red"],
  skipped: ["-", "dim"],
  retry: ["↻", "yellow"],
  cancelled: ["■", "yellow"],
};

/** The word for a result, or "running" without one. */
export function describeResult(results: number | null): string {
  return results === null ? "running" : (resultName(results as Result) ?? `result ${results}`);
}

/** The same with its mark, in colour if the terminal has colours. */
export function markResult(terminal: Terminal, results: number | null): string {
  const word = describeResult(results);
  const [mark, style] = marks[word] ?? ["▶", "cyan"];
  return terminal.style(style, `${mark} ${word}`);
}

/** The exit code of a command for a build's result. */
export function exitCodeOf(results: number): number {
  return results === 0 || results === 1 ? 0 : 1;
}

export type ShowEvent = (event: BuildEvent) => Promise<void>;

/** Shows a followed build to people: its steps with their states, and the lines of their logs. */
export function showBuild(terminal: Terminal): ShowEvent {
  let shownLog: number | undefined;
  let head: { build: Build; usualSeconds: number | null } | undefined;

  function showStatus(step: Step): void {
    if (!head) return;
    const { build, usualSeconds } = head;
    const usual = usualSeconds === null ? "" : ` of usually ${formatSeconds(usualSeconds)}`;
    terminal.status(() => {
      const seconds = Math.max(0, Math.round(Date.now() / 1000) - build.started_at);
      return `step ${step.number + 1} ${terminal.foreign(step.name)} · ${formatSeconds(seconds)}${usual}`;
    });
  }

  return async (event) => {
    switch (event.event) {
      case "waiting":
        return terminal.write(
          `Waiting for an engine and a worker (build request ${event.request.buildrequestid}; "master why ${event.request.buildrequestid}" shows for what).\n`,
        );
      case "build": {
        head = event;
        const { build, builder, usualSeconds } = event;
        const usual = usualSeconds === null ? "" : `, usually takes ${formatSeconds(usualSeconds)}`;
        const name = terminal.style("bold", `${builder} #${build.number}`);
        return terminal.write(`${terminal.style("cyan", "▶")} ${name} (build ${build.buildid}${usual})\n`);
      }
      case "step":
        await terminal.write(`${terminal.style("cyan", "▶")} ${terminal.foreign(event.step.name)}\n`);
        return showStatus(event.step);
      case "log":
        return;
      case "lines": {
        const title =
          event.log.logid !== shownLog && event.log.slug !== "stdio"
            ? `  ── ${terminal.foreign(event.log.name)}\n`
            : "";
        shownLog = event.log.logid;
        await terminal.write(title + event.lines.map((line) => formatLine(terminal, line, "  ")).join(""));
        return showStatus(event.step);
      }
      case "step-finished": {
        const { step } = event;
        const took = formatSeconds((step.complete_at ?? step.started_at ?? 0) - (step.started_at ?? 0));
        const result =
          step.results === null ? terminal.style("yellow", "↻ unfinished") : markResult(terminal, step.results);
        return terminal.write(`${result} ${terminal.foreign(`${step.name}: ${step.state_string}`)} (${took})\n`);
      }
      case "finished": {
        const { build, builder } = event;
        const took = formatSeconds((build.complete_at ?? build.started_at) - build.started_at);
        const result = markResult(terminal, build.results);
        return terminal.write(
          `${result} ${builder} #${build.number}: ${terminal.foreign(build.state_string)} (${took})\n`,
        );
      }
    }
  };
}

/** Shows a followed build to programs: one JSON object per line, and one for each log line. */
export function showBuildAsJson(terminal: Terminal): ShowEvent {
  return async (event) => {
    if (event.event !== "lines") return terminal.write(`${JSON.stringify(event)}\n`);
    const { log, step } = event;
    const where = { event: "line", buildid: step.buildid, stepid: step.stepid, logid: log.logid };
    await terminal.write(event.lines.map((line) => `${JSON.stringify({ ...where, ...line })}\n`).join(""));
  };
}

/** Formats a line of a log; the master's own lines about a command are highlighted. */
export function formatLine(terminal: Terminal, { stream, text }: LogLine, indent = ""): string {
  const clean = terminal.logLine(text);
  const shown =
    stream === "header" ? terminal.style("dim", clean) : stream === "stderr" ? terminal.style("red", clean) : clean;
  return `${indent}${shown}\n`;
}

export function formatSeconds(seconds: number): string {
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 60 ? `${minutes} min ${seconds % 60} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
