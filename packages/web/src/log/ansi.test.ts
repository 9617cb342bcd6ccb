import { describe, expect, it } from "vitest";
import { parseAnsi, stripAnsi } from "./ansi.ts";

const esc = "\x1b[";

describe("terminal colours", () => {
  it("gives each piece its look, and ends it at a reset", () => {
    expect(parseAnsi(`a ${esc}1;31mred${esc}0m b`)).toEqual([
      { text: "a ", look: "" },
      { text: "red", look: "bold fg-1" },
      { text: " b", look: "" },
    ]);
    expect(parseAnsi(`${esc}92;44mx${esc}39my${esc}49mz`).map(({ look }) => look)).toEqual(["fg-10 bg-4", "bg-4", ""]);
  });

  it("knows 256 and true colours", () => {
    expect(parseAnsi(`${esc}38;5;196mx`)).toEqual([{ text: "x", look: "", colour: "#ff0000" }]);
    expect(parseAnsi(`${esc}48;2;1;2;255mx`)).toEqual([{ text: "x", look: "", background: "#0102ff" }]);
    expect(parseAnsi(`${esc}38;5;3;1mx`)).toEqual([{ text: "x", look: "bold fg-3" }]);
  });

  it("drops what moves a cursor or names a window, and shows the last of what was written over", () => {
    expect(stripAnsi(`${esc}2K${esc}1Gdone\x1b]0;title\x07!`)).toBe("done!");
    expect(stripAnsi("10 %\r50 %\r100 %\r")).toBe("100 %");
  });

  it("leaves other people's markup as text", () => {
    expect(parseAnsi("<b>&amp;</b>")).toEqual([{ text: "<b>&amp;</b>", look: "" }]);
  });
});
