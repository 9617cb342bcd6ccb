import { expect, it } from "vitest";
import { SectionReader } from "./sections.ts";

const read = (lines: readonly string[]) => {
  const reader = new SectionReader();
  for (const line of lines) reader.add(line);
  return reader.sections();
};
const percents = Array.from({ length: 51 }, (_, i) => i * 2);

it("folds a progress bar whose carriage returns became lines into one that shows its last state", () => {
  const bars = percents.map(
    (n) =>
      `\x1b[32m[${"#".repeat(n / 10)}${" ".repeat(10 - Math.floor(n / 10))}] ${n}% ${n / 2} MB ${60 - n / 2}s\x1b[0m`,
  );
  expect(read(["npm ci", ...bars, "added 212 packages"])).toEqual([
    { head: 1, title: "[##########] 100% 50 MB 10s", end: 51, beginsFolded: true },
  ]);
});

it("folds those of git, each phase by itself", () => {
  const phase = (name: string) => [0, 30, 60, 90, 100].map((n) => `remote: ${name} objects: ${n}% (${n}/100)`);
  const found = read([...phase("Counting"), ...phase("Compressing"), "done"]);
  expect(found.map(({ head, end }) => [head, end])).toEqual([
    [0, 4],
    [5, 9],
  ]);
});

it("leaves lines alone that say something each: builds of files, coverage, short runs, falling numbers", () => {
  expect(read(["a", "b", "c", "d", "e"].map((name, i) => `[ ${i * 20}%] Building CXX object ${name}.o`))).toEqual([]);
  expect(read([1, 2, 3, 4, 5].map((i) => `src/a${i}.ts | ${80 + i}% | 3`))).toEqual([]);
  expect(read(["10%", "20%", "30%"])).toEqual([]);
  expect(read(["50%", "40%", "30%", "20%", "10%"])).toEqual([]);
  expect(read(["10%", "20%", "done", "30%", "40%"])).toEqual([]);
});

it("is one section of those around it", () => {
  expect(
    read(["::group::Get", "10%", "20%", "30%", "40%", "::endgroup::"]).map(({ head, end }) => [head, end]),
  ).toEqual([
    [0, 5],
    [1, 4],
  ]);
});
