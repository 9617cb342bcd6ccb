import { StepValueRefused } from "@multimaster/plugins";
import { describe, expect, it } from "vitest";
import { checkProperty, checkUrl } from "./step-values.ts";

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

  it("may be a property of a size that pages can carry", () => {
    expect(checkProperty("p", { a: ["x".repeat(1000)] })).toEqual({ a: ["x".repeat(1000)] });
    expect(() => checkProperty("p", "x".repeat(2 ** 21))).toThrow(
      'The value of the property "p" is larger than 1048576 bytes.',
    );
  });
});
