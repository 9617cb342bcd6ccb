import { isOfFork, type Json } from "@multimaster/core";
import { describe, expect, it } from "vitest";
import { boundChange, changeLimits } from "./bound-change.ts";

const change = { author: "a", comments: "c" };
const lengthOf = (value: unknown) => JSON.stringify(value).length;
const most = changeLimits;

describe("a change", () => {
  it("of usual size stays as it is", () => {
    const usual = {
      ...change,
      branch: null,
      files: Array.from({ length: most.files }, (_, n) => `src/${n}`),
      properties: { event: "push", list: [1, { a: null }] },
      revlink: "https://example.org/1",
    };
    expect(boundChange(usual)).toEqual(usual);
  });

  it("has at most so many files, and says how many more there were", () => {
    const { files, properties } = boundChange({ ...change, files: Array(most.files + 7).fill("f") });
    expect([files?.length, properties]).toEqual([most.files, { files_omitted: 7 }]);
  });

  it("has names of files of a limited length, together too", () => {
    const { files, properties } = boundChange({ ...change, files: Array(5000).fill("f".repeat(5000)) });
    expect(files?.length).toBe(most.filesLength / most.fileLength);
    expect(properties?.["files_omitted"]).toBe(5000 - (files?.length ?? 0));
  });

  it("has at most so many properties, and says how many more there were", () => {
    const many = Object.fromEntries(Array.from({ length: most.properties + 7 }, (_, n) => [`p${n}`, n]));
    const { properties = {} } = boundChange({ ...change, properties: many });
    expect(Object.keys(properties)).toHaveLength(most.properties + 1);
    expect(properties["properties_omitted"]).toBe(7);
  });

  it.each([
    ["a text", "x".repeat(most.propertiesLength)],
    ["a list", Array(most.propertiesLength).fill(1)],
    ["an object", { deep: { deeper: "x".repeat(most.propertiesLength) } }],
  ] as [string, Json][])("leaves out a property that is too large, and no other: %s", (_, large) => {
    expect(boundChange({ ...change, properties: { large, small: 1 } }).properties).toEqual({
      small: 1,
      properties_omitted: 1,
    });
  });

  it("is a fork's, whatever else its payload brings along", () => {
    const flood = Object.fromEntries(Array.from({ length: 5000 }, (_, n) => [`event.${n}`, "x".repeat(100)]));
    const { properties = {} } = boundChange({
      ...change,
      properties: { ...flood, pullrequest_number: 1, pullrequest_fork: true, event: "pull_request" },
    });
    expect(properties).toMatchObject({ pullrequest_fork: true, pullrequest_number: 1, event: "pull_request" });
    expect(isOfFork(properties)).toBe(true);
    expect(lengthOf(properties)).toBeLessThan(most.propertiesLength + 10_000);
  });

  it("has a limited message, which says what it left out", () => {
    const { comments } = boundChange({ ...change, comments: "é".repeat(5_000_000) });
    expect(comments.length).toBeLessThan(most.commentsLength + 100);
    expect(comments).toMatch(/\n… and 4934464 more characters$/);
  });

  it("has a limited size, however each of its parts fills its own", () => {
    const text = "x".repeat(1_000_000);
    const large = boundChange({
      ...{ author: text, committer: text, comments: text, branch: text, revision: text, revlink: text },
      ...{ category: text, repository: text, project: text, codebase: text },
      files: Array(20_000).fill(text),
      properties: Object.fromEntries(Array.from({ length: 3000 }, (_, n) => [`${n}${text.slice(0, 9_000)}`, text])),
    });
    expect(lengthOf(large)).toBeLessThan(1.5 * (most.filesLength + most.propertiesLength + most.commentsLength));
  });
});
