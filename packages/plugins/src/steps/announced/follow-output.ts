import { type Json, type Result, Results, resultName, worstResult } from "@multimaster/core";
import type { AnnouncedStep, LogStream, StepContext } from "../../step-context.ts";
import { StepValueRefused } from "../../step-errors.ts";
import { type Mark, parseMark } from "./parse-mark.ts";

/** Characters of a line that has not ended which are kept back. */
const longestStart = 64 * 1024;
/** Characters of a step's name that its row has. */
const longestShown = 50;
/** What a program may say of each of its steps. */
const longest = { name: 200, text: 1000, linkName: 200 };
const mostLinks = 50;

export interface FollowOptions {
  /** How many steps are announced at most. */
  readonly maxSteps: number;
  /** Properties that the program may set. */
  readonly properties: readonly string[];
}

/** A step that the program has announced. */
interface Open {
  readonly step: AnnouncedStep;
  readonly announced: string;
  results: Result;
  text: string;
  links: number;
}

/** Makes steps of what a program prints, and gives each of them its part of the output. */
export class OutputFollower {
  #ctx: StepContext;
  #options: FollowOptions;
  /** What each stream has written of a line that has not ended. */
  #starts = new Map<LogStream, string>();
  #open = new Map<string, Open>();
  #current: Open | undefined;
  /** Named, but not begun. */
  #seeded = new Set<string>();
  #wanted: string | undefined;
  #ended: { readonly name: string; readonly results: Result }[] = [];
  #count = 0;
  /** Steps of which it was said that their text is cut. */
  #wasCut = new WeakSet<Open>();
  #haltsOnFailure = false;
  #honorsZero = false;

  constructor(ctx: StepContext, options: FollowOptions) {
    this.#ctx = ctx;
    this.#options = options;
  }

  onText = async (text: string, stream: LogStream): Promise<void> => {
    if (stream === "header") return this.#write(undefined, text, stream);
    const all = (this.#starts.get(stream) ?? "") + text;
    const end = all.lastIndexOf("\n") + 1;
    const rest = all.slice(end);
    // A line without an end in sight is no mark.
    const isEndless = rest.length > longestStart;
    this.#starts.set(stream, isEndless ? "" : rest);
    await this.#takeLines(isEndless ? all : all.slice(0, end), stream);
  };

  /** The program has ended: what is open ends with it. */
  async finish(rc: number): Promise<{ results: Result; halts: boolean; count: number; bad: readonly string[] }> {
    for (const [stream, start] of this.#starts) if (start !== "") await this.#takeLines(start, stream);
    const last = this.#current ?? [...this.#open.values()].at(-1);
    if (rc !== 0 && last !== undefined) last.results = worstResult(last.results, Results.FAILURE);
    for (const open of [...this.#open.values()]) await this.#end(open);
    const worst = this.#ended.map(({ results }) => results).reduce(worstResult, Results.SUCCESS);
    const results = rc !== 0 ? worstResult(worst, Results.FAILURE) : this.#honorsZero ? Results.SUCCESS : worst;
    const isBad = results === Results.FAILURE || results === Results.EXCEPTION;
    const bad = this.#ended.filter((one) => one.results !== Results.SUCCESS);
    return {
      results,
      halts: this.#haltsOnFailure && isBad,
      count: this.#count,
      bad: bad.map((one) => `${one.name}: ${resultName(one.results)}`),
    };
  }

  async #takeLines(text: string, stream: LogStream): Promise<void> {
    let plain = "";
    for (let start = 0; start < text.length; ) {
      const newline = text.indexOf("\n", start);
      const end = newline === -1 ? text.length : newline + 1;
      const line = text.slice(start, end);
      start = end;
      const mark = line.startsWith("@@@") ? parseMark(line) : undefined;
      if (mark === undefined) {
        plain += line;
        continue;
      }
      // What came before belongs to the step that was open then.
      if (plain !== "") await this.#write(this.#current, plain, stream);
      plain = "";
      await this.#carryOut(mark, line, stream);
    }
    if (plain !== "") await this.#write(this.#current, plain, stream);
  }

  async #write(to: Open | undefined, text: string, stream: LogStream): Promise<void> {
    await (await (to?.step ?? this.#ctx).log("stdio", "s")).write(text, stream);
  }

  async #note(text: string): Promise<void> {
    await this.#write(undefined, `${text}\n`, "header");
  }

  async #carryOut(given: Mark, line: string, stream: LogStream): Promise<void> {
    const current = this.#current;
    const mark = cutName(given);
    switch (mark.kind) {
      case "begin":
        if (current?.announced === mark.name) return;
        if (current !== undefined) await this.#end(current);
        return this.#begin(mark.name);
      case "seed":
        if (this.#seeded.size < this.#options.maxSteps) this.#seeded.add(mark.name);
        return;
      case "cursor":
        this.#current = this.#open.get(mark.name);
        this.#wanted = this.#current === undefined && this.#seeded.has(mark.name) ? mark.name : undefined;
        return;
      case "started":
        if (this.#wanted !== undefined) await this.#begin(this.#wanted);
        return;
      case "halt-on-failure":
        this.#haltsOnFailure = true;
        return;
      case "honor-zero":
        this.#honorsZero = true;
        return;
      case "property":
        return this.#setProperty(mark.name, mark.value);
      default:
        if (current === undefined) return this.#write(undefined, line, stream);
        return this.#obeyWithin(mark, current);
    }
  }

  async #obeyWithin(mark: Mark, current: Open): Promise<void> {
    switch (mark.kind) {
      case "closed":
        return this.#end(current);
      case "result":
        current.results = worstResult(current.results, named[mark.result]);
        return;
      case "text": {
        const text = [current.text, mark.text].filter((part) => part !== "").join(" ");
        current.text = cut(text, longest.text);
        if (text.length > longest.text && !this.#wasCut.has(current)) {
          this.#wasCut.add(current);
          await this.#note(`the text of the step "${current.step.name}" is cut after ${longest.text} characters`);
        }
        return;
      }
      case "clear-text":
        current.text = "";
        return;
      case "link":
        return this.#addLink(current, mark);
      case "log-line":
        return this.#addLine(current, mark);
      default:
        return;
    }
  }

  async #begin(name: string): Promise<void> {
    this.#wanted = undefined;
    this.#seeded.delete(name);
    // One of this name that is open would be forgotten, and its result with it.
    const former = this.#open.get(name);
    if (former !== undefined) await this.#end(former);
    const { maxSteps } = this.#options;
    if (this.#count >= maxSteps) {
      if (this.#count === maxSteps)
        await this.#note(`more than ${maxSteps} steps are announced (maxSteps); the rest is here`);
      this.#count = maxSteps + 1;
      this.#current = undefined;
      return;
    }
    this.#count += 1;
    if (name.length > longestShown)
      await this.#note(`the name of the step "${name}" is cut after ${longestShown} characters`);
    const step = await this.#ctx.announceStep(name);
    this.#current = { step, announced: name, results: Results.SUCCESS, text: "", links: 0 };
    this.#open.set(name, this.#current);
  }

  async #end(open: Open): Promise<void> {
    const { step, announced, results, text } = open;
    this.#open.delete(announced);
    if (this.#current === open) this.#current = undefined;
    this.#ended.push({ name: step.name, results });
    const shown = text === "" ? "finished" : text;
    await step.end({ results, text: results === Results.SUCCESS ? shown : `${shown} (${resultName(results)})` });
  }

  async #addLine(current: Open, { log, line }: { readonly log: string; readonly line: string }): Promise<void> {
    try {
      await (await current.step.log(log)).write(`${line}\n`);
    } catch (error) {
      if (!(error instanceof StepValueRefused)) throw error;
      await this.#note(error.message);
    }
  }

  async #addLink(current: Open, { name, url }: { readonly name: string; readonly url: string }): Promise<void> {
    current.links += 1;
    if (current.links === mostLinks + 1)
      await this.#note(`the step "${current.step.name}" has more than ${mostLinks} links; the others are left out`);
    if (current.links > mostLinks) return;
    try {
      await current.step.addUrl(cut(name, longest.linkName), url);
    } catch (error) {
      if (!(error instanceof StepValueRefused)) throw error;
      await this.#note(error.message);
    }
  }

  async #setProperty(name: string, text: string): Promise<void> {
    if (!this.#options.properties.includes(name))
      return this.#note(
        `the property "${name.slice(0, 100)}" is not set: the step's option "properties" does not name it`,
      );
    try {
      this.#ctx.properties.set(name, JSON.parse(text) as Json);
    } catch (error) {
      await this.#note(
        `the property "${name.slice(0, 100)}" is not set: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
  }
}

const named = { warnings: Results.WARNINGS, failure: Results.FAILURE, exception: Results.EXCEPTION } as const;

const cutMark = "…";
const cut = (text: string, most: number) => (text.length <= most ? text : `${text.slice(0, most - 1)}${cutMark}`);

/** A mark that names a step, with as much of the name as a step has. */
const cutName = (mark: Mark): Mark =>
  mark.kind === "begin" || mark.kind === "seed" || mark.kind === "cursor"
    ? { ...mark, name: cut(mark.name, longest.name) }
    : mark;
