import { stripVTControlCharacters } from "node:util";
import { expect, it } from "vitest";
import { formatTable } from "./table.ts";

const esc = "\u001b";
const style = (_: string, text: string) => text;
const rows = [
  ["web/1", "success", "a short state"],
  ["web/22", "failure", `${"a very long state ".repeat(10)}that ends`],
];
const head = ["build", "result", "state"];

it("fits the terminal: the widest column is cut, and no line has a rule", () => {
  const lines = formatTable(head, rows, "", { columns: 60, style }).split("\n");
  expect(lines[0]).toBe("BUILD   RESULT   STATE");
  expect(lines[1]).toBe("web/1   success  a short state");
  expect(lines[2]).toMatch(/^web\/22 {2}failure {2}a very long state a very .*…$/);
  expect(lines[2]?.length).toBeLessThanOrEqual(60);
  expect(lines).toHaveLength(4);
});

it("gives each column what it needs when there is room", () => {
  const [, , line] = formatTable(head, rows, "", { columns: 400, style }).split("\n");
  expect(line).toContain("that ends");
});

it("is as narrow as it can be in a terminal that is too narrow", () => {
  const lines = formatTable(head, rows, "", { columns: 10, style }).split("\n");
  for (const line of lines) expect(line.length).toBeLessThanOrEqual(3 * 8 + 2 * 2);
});

it("writes whole fields into a pipe, separated by tabs", () => {
  const text = formatTable(head, [["web/1", "su\tcc\ness", "ok"]], "", { columns: undefined, style });
  expect(text).toBe("web/1\tsu cc ess\tok\n");
  expect(formatTable(head, [], "No builds.", { columns: undefined, style })).toBe("No builds.\n");
});

it("shows no sequence that moves the cursor or removes what is there", () => {
  const cells = [`ann${esc}[2A${esc}[2K\r\nroot \u009b1Ab${esc}]0;x\u0007`, `${esc}[31mred${esc}[0m`];
  const table = formatTable(["who", "what"], [cells], "", { columns: 80, style });
  expect(table).toContain("ann root 1Ab");
  expect(table).toContain(`${esc}[31mred${esc}[0m`);
  expect(stripVTControlCharacters(table)).not.toMatch(/[^\P{Cc}\n]/u);
});
