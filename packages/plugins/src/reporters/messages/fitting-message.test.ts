import { Results } from "@multimaster/core";
import { describe, expect, it } from "vitest";
import { describeStatus, nameContext } from "../forge-shape.ts";
import { cutFront, cutText } from "./cut-text.ts";
import { htmlMessage } from "./html-message.ts";
import { markdownMessage } from "./markdown-message.ts";
import { makeFittingMessage, makeMessage } from "./message.ts";
import type { Template } from "./message-facts.ts";
import { plainMessage } from "./plain-message.ts";
import { sampleFacts } from "./sample-facts.ts";
import { slackMessage } from "./slack-message.ts";
import { telegramMessage } from "./telegram-message.ts";

const failed = sampleFacts().find(({ facts }) => facts.build?.results === Results.FAILURE)?.facts;
if (!failed) throw new Error("no sample");
const longLog = `${Array.from({ length: 900 }, (_, i) => `line ${i}`).join("\n")}\nthe reason`;
const withLog = (text: string) => ({ ...failed, logs: [{ step: "test", log: "stdio", text }] });

describe("a message for a target that takes a part only", () => {
  it.each<[string, Template]>([
    ["plain", plainMessage],
    ["Markdown", markdownMessage],
    ["Slack's", slackMessage],
    ["HTML", htmlMessage],
  ])("has the last lines of a log (%s), and begins with one that is whole", (_, template) => {
    const fits = ({ text }: { text: string }) => text.length <= 3000;
    const { text } = makeFittingMessage(withLog(longLog), template, [], fits).message;
    expect(text.length).toBeLessThanOrEqual(3000);
    expect(text).toContain("line 899\nthe reason");
    expect(text).not.toContain("line 100\n");
    expect(text).toMatch(/…\nline \d+\n/);
  });

  it("has them at Telegram, whose template makes them fit", () => {
    const { html = "" } = telegramMessage(withLog(longLog));
    expect(html).toContain("the reason</pre>");
    expect(html).not.toContain("line 0\n");
  });

  it("is one without logs if there is no room for any", () => {
    const { facts } = makeFittingMessage(
      withLog(longLog),
      () => ({ subject: "s", text: "x".repeat(5000) }),
      [],
      () => false,
    );
    expect(facts.logs).toEqual([]);
  });
});

it("cuts either end of a text to what there is room for, with whole characters", () => {
  expect(cutText("abcdef", 4)).toBe("abc…");
  expect(cutFront("abcdef", 4)).toBe("…def");
  expect(cutFront("first\nsecond\nthird", 15)).toBe("…\nsecond\nthird");
  expect(cutText("ab😀cd", 4)).toBe("ab…");
  expect(cutFront("ab😀cd", 4)).toBe("…cd");
  expect(cutText("a\ud83d", 9)).toBe("a\ufffd");
  expect(cutText("abc", 0)).toBe("…");
  expect(cutFront("abc", 0)).toBe("…");
});

it("shows no character of a log or a name that turns or hides the text behind it", () => {
  const evil = "a\u202eb\u2066c\u0007d\u0085e\r\nf\rg\u2028h\ud800";
  const build = failed.build && { ...failed.build, state: evil, builder: "w\u202eb" };
  for (const template of [plainMessage, markdownMessage, slackMessage, htmlMessage, telegramMessage]) {
    const { subject, text, html = "" } = makeMessage({ ...withLog(evil), build }, template);
    expect(`${subject}${text}${html}`).not.toMatch(/[\p{Bidi_Control}\p{Cs}\r\u2028]/u);
    expect(text).toContain("a\ufffdb\ufffdc\ufffdd\ne\nf\ng\nh\ufffd");
  }
  // What a template of one's own adds is no better.
  expect(makeMessage(failed, () => ({ subject: "s", text: "a\u202eb" })).text).toBe("a\ufffdb");
});

describe("functions of the config that return something odd", () => {
  const { build } = failed;
  if (!build) throw new Error("no build");
  const report = { event: "build-ended", at: 1, build } as never;
  const context = (value: unknown) => nameContext(build, (() => value) as () => string);
  const description = (value: unknown) => describeStatus(report, { description: (() => value) as () => string }, 140);

  it.each([
    [undefined, "undefined"],
    [7, "7"],
    ["", "an empty text"],
    [" \n", "an empty text"],
    [{}, "an object"],
    [Promise.resolve("x"), "a promise"],
  ])("name no status by %j, but say so", (value, shown) => {
    expect(() => context(value)).toThrow(
      `the function "context" of the config must return the name of the status, and returned ${shown}`,
    );
  });

  it("name a status by what a forge takes", () => {
    expect(context("a\ud800\u202eb\nc")).toBe("a\ufffd\ufffdb c");
    expect(context("x".repeat(999))).toHaveLength(255);
  });

  it("describe it by what a forge takes, or leave the usual text", () => {
    expect(() => description(7)).toThrow('the function "description" of the config must return a text, and returned 7');
    const usual = describeStatus(report, {}, 140);
    for (const nothing of [undefined, null, "", "  "]) expect(description(nothing)).toBe(usual);
    expect(description("y".repeat(999))).toHaveLength(140);
    expect(description("a\ud800")).toBe("a\ufffd");
  });
});
