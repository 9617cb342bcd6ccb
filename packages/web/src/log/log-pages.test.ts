import { describe, expect, it } from "vitest";
import { LogPages, pageLines } from "./log-pages.ts";

const lines = (from: number, count: number) => Array.from({ length: count }, (_, i) => `line ${from + i}`);

describe("the lines of a log that were read", () => {
  it("requests the pages around what is shown, never the whole log", () => {
    const pages = new LogPages();
    expect(pages.missing(500_990, 501_010, 1_000_000)).toEqual([
      { offset: 500_000, limit: pageLines },
      { offset: 501_000, limit: pageLines },
    ]);
  });

  it("requests only new lines when a log grows", () => {
    const pages = new LogPages();
    pages.add(0, lines(0, 30));
    expect(pages.missing(0, 30, 30)).toEqual([]);
    expect(pages.missing(10, 45, 45)).toEqual([{ offset: 30, limit: 15 }]);
  });

  it("shows no line twice when answers overlap, and requests a gap again", () => {
    const pages = new LogPages();
    pages.add(0, lines(0, 20));
    pages.add(10, lines(10, 20));
    expect([...Array(30).keys()].map((i) => pages.get(i))).toEqual(lines(0, 30));
    pages.add(40, lines(40, 5));
    expect(pages.get(35)).toBeUndefined();
    expect(pages.missing(0, 45, 45)).toEqual([{ offset: 30, limit: 15 }]);
  });

  it("keeps the pages used last when there are too many", () => {
    const pages = new LogPages();
    for (let page = 0; page < 70; page++) {
      pages.add(page * pageLines, lines(page * pageLines, 1));
      pages.missing(0, 1, 1);
    }
    expect(pages.get(0)).toBe("line 0");
    expect(pages.get(pageLines)).toBeUndefined();
    expect(pages.get(69 * pageLines)).toBe(`line ${69 * pageLines}`);
  });
});
