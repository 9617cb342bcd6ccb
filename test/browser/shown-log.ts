import type { Page } from "playwright-core";
import { waitFor } from "../harness/wait-for.ts";

interface Shown {
  /** Number and text of every line that is drawn. */
  readonly lines: readonly (readonly [line: number, text: string])[];
  /** How many are still being read. */
  readonly awaited: number;
  readonly isAtEnd: boolean;
}

const look = `(() => {
  const view = document.querySelector(".log-text") ?? document.createElement("div");
  const drawn = [...view.querySelectorAll(".log-line")];
  const lines = drawn.filter((line) => line.dataset.line !== undefined);
  return {
    lines: lines.map((line) => [Number(line.dataset.line), line.querySelector(".log-content").textContent]),
    awaited: drawn.length - lines.length,
    isAtEnd: view.scrollTop + view.clientHeight >= view.scrollHeight - 1,
  };
})()`;

/** The lines that a page draws of its log now. */
export async function readDrawnLines(page: Page): Promise<Shown["lines"]> {
  return ((await page.evaluate(look)) as Shown).lines;
}

/** The number of the last tick that is drawn, of a log that counts. */
export async function lastTick(page: Page): Promise<number> {
  const [, text = ""] = (await readDrawnLines(page)).at(-1) ?? [];
  return Number(/tick (\d+) of/.exec(text)?.[1] ?? 0);
}

/** What the page draws once it has read all lines that belong to where it was scrolled to. */
export async function scrollTo(page: Page, scrollTop: string): Promise<Shown> {
  await page.evaluate(`{ const view = document.querySelector(".log-text"); view.scrollTop = ${scrollTop}; }`);
  // Two frames later the page has drawn what belongs to the new position.
  await page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))");
  return waitFor(
    async () => {
      const shown = (await page.evaluate(look)) as Shown;
      return shown.awaited === 0 && shown.lines.length > 0 && shown;
    },
    { what: "the lines to be read" },
  );
}

/** The whole log as a reader sees it who scrolls through all of it; a line drawn twice, or with two texts, is an error. */
export async function readWholeLog(page: Page): Promise<string[]> {
  const texts: string[] = [];
  for (let place = "0"; ; place = "view.scrollTop + view.clientHeight") {
    const { lines, isAtEnd } = await scrollTo(page, place);
    if (new Set(lines.map(([line]) => line)).size !== lines.length) throw new Error("a line is drawn twice");
    for (const [line, text] of lines) {
      if ((texts[line - 1] ?? text) !== text) throw new Error(`line ${line} changed: ${texts[line - 1]}, then ${text}`);
      texts[line - 1] = text;
    }
    if (isAtEnd) return Array.from(texts, (text) => text ?? "(never drawn)");
  }
}
