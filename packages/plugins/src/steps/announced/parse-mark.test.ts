import { describe, expect, it } from "vitest";
import { parseMark } from "./parse-mark.ts";

describe("a line of output", () => {
  it.each([
    ["@@@BUILD_STEP compile all@@@\n", { kind: "begin", name: "compile all" }],
    ["@@@BUILD_STEP@compile@@@", { kind: "begin", name: "compile" }],
    ["@@@STEP_LINK@report@http://host/a@b@@@\r\n", { kind: "link", name: "report", url: "http://host/a@b" }],
    ["@@@STEP_TEXT@3 of 5 @ once@@@", { kind: "text", text: "3 of 5 @ once" }],
    ["@@@STEP_FAILURE@@@", { kind: "result", result: "failure" }],
    ["@@@STEP_LOG_LINE@report@  two  words@@@", { kind: "log-line", log: "report", line: "  two  words" }],
    ['@@@SET_BUILD_PROPERTY@size@{"a": 1}@@@', { kind: "property", name: "size", value: '{"a": 1}' }],
  ])("is the mark %j", (line, mark) => {
    expect(parseMark(line)).toEqual(mark);
  });

  it.each([
    "make: nothing to be done",
    " @@@BUILD_STEP compile@@@",
    "@@@BUILD_STEP compile",
    "@@@BUILD_STEP  @@@",
    "@@@constructor@@@",
    "@@@@@@",
    "@@@",
    "@@@STEP_LINK@only a label@@@",
    `@@@BUILD_STEP ${"x".repeat(70_000)}@@@`,
  ])("is no mark: %j", (line) => {
    expect(parseMark(line)).toBeUndefined();
  });
});
