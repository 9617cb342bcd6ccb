import { describe, expect, it } from "vitest";
import { parseAnsi, stripAnsi } from "./ansi.ts";

const esc = "\x1b[";

describe("terminal colours", () => {
  it("assigns each piece its style, which ends at a reset", () => {
    expect(parseAnsi(`a ${esc}1;31mred${esc}0m b`)).toEqual([
      { text: "a ", classes: "" },
      { text: "red", classes: "bold fg-1" },
      { text: " b", classes: "" },
    ]);
    expect(parseAnsi(`${esc}92;44mx${esc}39my${esc}49mz`).map(({ classes }) => classes)).toEqual([
      "fg-10 bg-4",
      "bg-4",
      "",
    ]);
  });

  it("knows 256 and true colours", () => {
    expect(parseAnsi(`${esc}38;5;196mx`)).toEqual([{ text: "x", classes: "", colour: "#ff0000" }]);
    expect(parseAnsi(`${esc}48;2;1;2;255mx`)).toEqual([{ text: "x", classes: "", background: "#0102ff" }]);
    expect(parseAnsi(`${esc}38;5;3;1mx`)).toEqual([{ text: "x", classes: "bold fg-3" }]);
  });

  it("drops sequences that move a cursor or name a window, and shows the last text after carriage returns", () => {
    expect(stripAnsi(`${esc}2K${esc}1Gdone\x1b]0;title\x07!`)).toBe("done!");
    expect(stripAnsi("10 %\r50 %\r100 %\r")).toBe("100 %");
  });

  it("leaves other people's markup as text", () => {
    expect(parseAnsi("<b>&amp;</b>")).toEqual([{ text: "<b>&amp;</b>", classes: "" }]);
  });
});
