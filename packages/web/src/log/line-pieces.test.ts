import { describe, expect, it } from "vitest";
import { findLinks, sourceAddressOf } from "./line-links.ts";
import { cutLine } from "./line-pieces.ts";
import { createPattern } from "./search-log.ts";

const source = sourceAddressOf("https://forge.example.org/shop/web/commit/0123abc");
const linksOf = (text: string) => findLinks(text, source).map(({ from, to, href }) => [text.slice(from, to), href]);

describe("the links of a line", () => {
  it("are web addresses without the punctuation behind them", () => {
    expect(linksOf("see (https://a.example/b_(c)), or http://d.example.")).toEqual([
      ["https://a.example/b_(c)", "https://a.example/b_(c)"],
      ["http://d.example", "http://d.example"],
    ]);
    expect(linksOf("javascript://x http:// ftp://a/b")).toEqual([]);
  });

  it("are files with a line, in the built revision", () => {
    const files = "https://forge.example.org/shop/web/blob/0123abc/";
    expect(linksOf("at render (src/a b/x.ts, ./src/cart.ts:12:5)")).toEqual([
      ["./src/cart.ts:12:5", `${files}src/cart.ts#L12`],
    ]);
    expect(linksOf("12:30:05 took 1.5:3, /etc/hosts.d:1, main.c:7: error")).toEqual([
      ["main.c:7", `${files}main.c#L7`],
    ]);
    expect(findLinks("main.c:7", undefined)).toEqual([]);
  });

  it("know the addresses of GitHub and of GitLab", () => {
    expect(sourceAddressOf("https://lab.example/a/b/-/commit/0123abc")?.files).toBe(
      "https://lab.example/a/b/-/blob/0123abc/",
    );
    expect(sourceAddressOf("https://svn.example/?rev=12")).toBeUndefined();
    expect(sourceAddressOf(null)).toBeUndefined();
  });
});

describe("a line that is drawn", () => {
  const cut = (text: string, typed: string) =>
    cutLine(text, createPattern(typed), source).map(({ text: part, classes, href, isHit }) =>
      [part, classes, href && "link", isHit && "hit"].filter(Boolean).join(" "),
    );

  it("has all hits marked, also across colours and within links", () => {
    expect(cut("Ab \x1b[31mab", "AB")).toEqual(["Ab hit", " ", "ab fg-1 hit"]);
    expect(cut("a\x1b[31mb", "ab")).toEqual(["a hit", "b fg-1 hit"]);
    expect(cut("x main.c:7", "/c:\\d/")).toEqual(["x ", "main. link", "c:7 link hit"]);
    expect(cut("1+1", "+")).toEqual(["1", "+ hit", "1"]);
  });

  it("swaps the colours of inverse text", () => {
    expect(cut("\x1b[7;31mx", "y")).toEqual(["x inverse bg-1"]);
  });
});
