import { PassThrough } from "node:stream";
import { expect, it } from "vitest";
import { openTerminal } from "./terminal.ts";

const esc = "\u001b";

function open(isTty: boolean) {
  const stream = new PassThrough() as unknown as NodeJS.WriteStream;
  if (isTty) Object.assign(stream, { isTTY: true, columns: 40 });
  return { terminal: openTerminal(stream), written: () => String((stream as unknown as PassThrough).read() ?? "") };
}

it("lets foreign text colour a terminal and do nothing else to it", () => {
  const { terminal } = open(true);
  const text = `${esc}[31mred${esc}[0m ${esc}]0;title\u0007${esc}[2J${esc}[1Aup\tdown\b${esc}c \u009b31m`;
  const plain = "red up\tdown 31m";
  expect(terminal.foreign(text).replaceAll(new RegExp(`${esc}\\[[0-9]*m`, "g"), "")).toBe(plain);
  expect(open(false).terminal.foreign(text)).toBe(text);
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
