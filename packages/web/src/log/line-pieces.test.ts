import { describe, expect, it } from "vitest";
import { findLinks, sourceAddressOf } from "./line-links.ts";
import { cutLine } from "./line-pieces.ts";
import { createPattern, type SearchPattern } from "./search-pattern.ts";

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
    cutLine(text, createPattern(typed) as SearchPattern, source).map(({ text: part, classes, href, isHit }) =>
      [part, classes, href && "link", isHit && "hit"].filter(Boolean).join(" "),
    );

  it("has all hits marked, also across colours and within links", () => {
    expect(cut("Ab \x1b[31mab", "AB")).toEqual(["Ab hit", " ", "ab fg-1 hit"]);
    expect(cut("a\x1b[31mb", "ab")).toEqual(["a hit", "b fg-1 hit"]);
    expect(cut("x main.c:7", "/c:\\d/")).toEqual(["x ", "main. link", "c:7 link hit"]);
    expect(cut("1+1", "+")).toEqual(["1", "+ hit", "1"]);
  });

  it("is marked by expressions as RegExp would find them, however evil they are", () => {
    expect(cut('say "a" "b"', '/".*?"/')).toEqual(["say ", '"a" hit', " ", '"b" hit']);
    expect(cut("aab abc", "/a|ab/")).toEqual(["a hit", "a hit", "b ", "a hit", "bc"]);
    expect(cut("Name: x", "/^(na|name):?/i")).toEqual(["Na hit", "me: x"]);
    expect(cut("1,22,x", "/(\\d+,)+/")).toEqual(["1,22, hit", "x"]);
    expect(cut("no word", "/\\b/")).toEqual(["no word"]);
    const long = `${"a".repeat(60_000)}!`;
    expect(cut(long, "/(a+)+$/")).toEqual([long]);
    expect((createPattern("/(a+)+$/") as SearchPattern).test(long)).toBe(false);
  });

  it("is not searched for what could take for ever", () => {
    expect(createPattern("/a(?=b)/")).toBe("lookahead could take for ever: search without it");
    expect(createPattern("/(a/")).toBe("not a regular expression");
    expect(createPattern("/(a{50}){50}/")).toBe("so many repetitions could take for ever: search without it");
  });

  it("of hostile text takes no long time", () => {
    expect(cut(`x${"\r".repeat(200_000)}y`, "y")).toEqual(["y hit"]);
    expect(findLinks(`http://a${")".repeat(4_000)}`, undefined)).toEqual([{ from: 0, to: 8, href: "http://a" }]);
  });

  it("swaps the colours of inverse text", () => {
    expect(cut("\x1b[7;31mx", "y")).toEqual(["x inverse bg-1"]);
  });
});
