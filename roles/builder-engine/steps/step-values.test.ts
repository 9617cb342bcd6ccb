import { StepValueRefused } from "@multimaster/plugins";
import { describe, expect, it } from "vitest";
import { checkLogName, checkUrl, StepProperties, showLinkName } from "./step-values.ts";

describe("what a step hands in", () => {
  it.each([
    "https://example.org/x",
    "http://h:8080/?q=1#f",
    "#/builders/1",
    "reports/1.html",
    "//cdn.example.org/x",
    "mailto:a@b",
  ])("may be the address %s", (url) => expect(checkUrl(url)).toBe(url));

  it.each([
    "javascript:alert(1)",
    "JavaScript:alert(1)",
    " java\nscript:alert(1)",
    "\u0001javascript:alert(1)",
    "data:text/html,<script>",
    "vbscript:x",
    "file:///etc/passwd",
    "blob:https://x/1",
    "http://[",
    `https://example.org/${"x".repeat(2000)}`,
  ])("may not be the address %j", (url) => expect(() => checkUrl(url)).toThrow(StepValueRefused));

  it.each(["stdio", "a b", "ü/1", "x".repeat(255)])("may be a log named %s", (name) =>
    expect(checkLogName(name)).toBe(name),
  );

  it.each(["", "  ", "a\nb", "a\0", "\ud800", "x".repeat(256)])("may not be one named %j", (name) =>
    expect(() => checkLogName(name)).toThrow(StepValueRefused),
  );

  it("may be a link of any name that shows something", () => {
    expect(showLinkName(`a\tb\n${"x".repeat(500)}`)).toBe(`a b ${"x".repeat(500)}`);
    for (const name of ["", " \n"]) expect(() => showLinkName(name)).toThrow("A link of this step has no name");
  });

  it("may be a property of a size that pages can carry", () => {
    const check = (value: unknown) => new StepProperties().check("p", value);
    expect(check({ a: ["x".repeat(1000)] })).toEqual({ a: ["x".repeat(1000)] });
    expect(() => check("x".repeat(2 ** 21))).toThrow('The value of the property "p" is larger than 1048576 bytes.');
  });

  it("may be a property that is JSON, is not too deep, and does not contain itself", () => {
    const check = (value: unknown) => () => new StepProperties().check("p", value);
    const [around, list]: [Record<string, unknown>, unknown[]] = [{}, []];
    Object.assign(around, { left: around, right: [around] });
    for (let level = 0; level < 99; level++) list.splice(0, 1, [...list]);
    expect(check(around)).toThrow('The value of the property "p" contains itself.');
    expect(check(list)).not.toThrow();
    expect(check([list])).toThrow('The value of the property "p" is nested more than 100 deep.');
    // The same list twice on each of 30 levels: small in memory, large as text.
    let doubled: unknown = "x";
    for (let level = 0; level < 30; level++) doubled = [doubled, doubled];
    expect(check(doubled)).toThrow("is larger than 1048576 bytes");
    for (const value of [
      undefined,
      Number.NaN,
      1n,
      () => 1,
      new Map(),
      new Date(0),
      [undefined],
      new Array(2 ** 32 - 1),
    ])
      expect(check(value)).toThrow(/^The value of the property "p" is or has .*; it must be text, a number/);
  });

  it("may be many properties, within what a build's rows bear", () => {
    const properties = new StepProperties();
    for (const name of ["", "a\nb", "x".repeat(256)])
      expect(() => properties.check(name, 1)).toThrow("cannot have the name");
    const large = "x".repeat(2 ** 20 - 10);
    for (let i = 0; i < 15; i++) properties.check(`large ${i}`, large);
    properties.check("large 0", large);
    properties.check("last", large);
    expect(() => properties.check("more", "x".repeat(2000))).toThrow("of 16777216 bytes together");
    const many = new StepProperties();
    for (let i = 0; i < 10_000; i++) many.check(`p${i}`, i);
    expect(() => many.check("one more", 1)).toThrow("at most 10000 properties");
    expect(many.check("p1", "again")).toBe("again");
  });
});
