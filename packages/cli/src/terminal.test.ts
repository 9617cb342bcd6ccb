import { PassThrough } from "node:stream";
import { stripVTControlCharacters } from "node:util";
import { expect, it } from "vitest";
import { formatTable } from "./table.ts";
import { cleanLine, cleanLines, openTerminal } from "./terminal.ts";

const esc = "\u001b";

function open(isTty: boolean) {
  const stream = new PassThrough() as unknown as NodeJS.WriteStream;
  if (isTty) Object.assign(stream, { isTTY: true, columns: 40 });
  return { terminal: openTerminal(stream), written: () => String((stream as unknown as PassThrough).read() ?? "") };
}

it("lets foreign text colour a terminal and do nothing else to it", () => {
  const { terminal } = open(true);
  const text = `${esc}[31mred${esc}[0m ${esc}]0;title\u0007${esc}[2J${esc}[1Aup\tdown\b${esc}c \u009b31m`;
  const uncoloured = (shown: string) => shown.replaceAll(new RegExp(`${esc}\\[[0-9]*m`, "g"), "");
  expect(uncoloured(terminal.logLine(text))).toBe("red up\tdown 31m");
  expect(uncoloured(terminal.foreign(text))).toBe("red up down 31m");
  expect(open(false).terminal.logLine(text)).toBe(text);
});

it("keeps names and sentences from outside on one line and in one column, in a terminal and in a pipe", () => {
  const name = `a\r\nSUCCESS\tb${esc}[2K${esc}[31mred\u2028\u202ecod\u0085c\u009b2J`;
  const shown = "a SUCCESS bred cod c2J";
  expect(open(false).terminal.foreign(name)).toBe(shown);
  expect(cleanLine(name)).toBe(shown);
  expect(cleanLines("one\ntwo\r\u001b[1A")).toBe("one\ntwo ");
  const { terminal } = open(true);
  expect(stripVTControlCharacters(terminal.foreign(name))).toBe(shown);
  expect(formatTable(["name", "x"], [[name, 1]], "Nothing.", open(false).terminal)).toBe(`${shown}\t1\n`);
  expect(formatTable(["name", "x"], [[name, 1]], "Nothing.", terminal).split("\n")).toHaveLength(3);
});

it("keeps a line of progress at the bottom of a terminal, and out of a pipe", async () => {
  const tty = open(true);
  tty.terminal.status(() => "working");
  await tty.terminal.write("done\n");
  expect(tty.written()).toMatch(/working.*\r.*done\n$/s);
  const pipe = open(false);
  pipe.terminal.status(() => "working");
  await pipe.terminal.write("done\n");
  expect(pipe.written()).toBe("done\n");
});
