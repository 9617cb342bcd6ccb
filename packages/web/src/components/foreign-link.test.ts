import { expect, it } from "vitest";
import { isSafeLink } from "./foreign-link.tsx";

it.each([
  ["https://example.org", true],
  ["#/builders/1", true],
  ["mailto:a@b", true],
  ["javascript:alert(1)", false],
  [" java\tscript:alert(1)", false],
  ["data:text/html,x", false],
  ["http://[", false],
])("a link to %j is followed: %s", (href, safe) => expect(isSafeLink(href)).toBe(safe));
