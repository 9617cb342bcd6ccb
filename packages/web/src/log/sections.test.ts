import { describe, expect, it } from "vitest";
import { SectionReader } from "./sections.ts";
import { ShownRows } from "./shown-rows.ts";

function read(lines: readonly string[]) {
  const reader = new SectionReader();
  for (const line of lines) reader.add(line);
  return { sections: reader.sections(), hidden: reader.hidden };
}

describe("the sections of a log", () => {
  it("are read from the marks of GitHub, one within another", () => {
    const { sections, hidden } = read([
      "a",
      "::group::Set up",
      "b",
      "##[group]Inner",
      "c",
      "##[endgroup]",
      "::endgroup::",
    ]);
    expect(sections).toEqual([
      { head: 1, title: "Set up", end: 6, beginsFolded: false },
      { head: 3, title: "Inner", end: 5, beginsFolded: false },
    ]);
    expect(hidden).toEqual([5, 6]);
  });

  it("are read from the marks of GitLab, whose heading is on the same or on the next line, with how long they took", () => {
    const start = "\x1b[0Ksection_start:1560896352:prepare[collapsed=true]";
    const end = "section_end:1560896357:prepare";
    const section = { head: 0, title: "Prepare it", beginsFolded: true, seconds: 5 };
    expect(read([`${start}\r\x1b[0KPrepare it`, "a", `${end}\r\x1b[0K`])).toEqual({
      sections: [{ ...section, end: 2 }],
      hidden: [2],
    });
    expect(read([start, "\x1b[0KPrepare it", "a", end])).toEqual({
      sections: [{ ...section, end: 3 }],
      hidden: [1, 3],
    });
  });

  it("stay open while their end was not printed; an end without a beginning, and mere words, are none", () => {
    expect(read(["::endgroup::", "the group of section_start", "::group::", "a"]).sections).toEqual([
      { head: 2, title: "Group", end: undefined, beginsFolded: false },
    ]);
  });

  it("hide lines when folded, and each line left has its row", () => {
    const section = (head: number, end: number | undefined) => ({ head, end, title: "", beginsFolded: true });
    const rows = new ShownRows(10, [section(1, 4), section(2, 3)], [4, 7]);
    expect(rows.count).toBe(6);
    expect([0, 1, 2, 3, 4, 5].map((row) => rows.lineOf(row))).toEqual([0, 1, 5, 6, 8, 9]);
    expect([0, 1, 5, 6, 8, 9].map((line) => rows.rowOf(line))).toEqual([0, 1, 2, 3, 4, 5]);
    // A hidden line is where its heading is.
    expect([2, 4, 7].map((line) => rows.rowOf(line))).toEqual([1, 1, 3]);
    expect(new ShownRows(10, [section(1, undefined)]).count).toBe(2);
  });
});
