import type { Json } from "@multimaster/core";
import { describe, expect, it } from "vitest";
import type { FormField } from "../resources/form-field.ts";
import { fillForm } from "./force-form.ts";

const field = (name: string, more: Partial<FormField> = {}): FormField => ({
  name,
  fullName: name,
  type: "text",
  label: name,
  default: "",
  ...more,
});
const nest = (name: string, fields: FormField[]): FormField => ({
  name,
  fullName: name === "" ? null : name,
  type: "nested",
  fields,
});

const stampNest = (codebase: string): FormField =>
  nest(
    codebase,
    ["branch", "project", "repository", "revision"].map((name) =>
      field(name, { fullName: codebase === "" ? name : `${codebase}_${name}` }),
    ),
  );

const asked = nest("", [
  field("username", { type: "username", need_email: true }),
  field("reason", { default: "force build" }),
  field("priority", { type: "int", default: 0 }),
]);

describe("a force form", () => {
  it.each([5, true, ["a"], { a: 1 }])("takes no %j for a text", (value) => {
    expect(fillForm([field("target")], { target: value })).toEqual({ problems: { target: "target: must be a text" } });
    const list = field("pick", { type: "list", multiple: true, strict: false, choices: [1, "one"] });
    expect(fillForm([list], { pick: [1, "one"] })).toMatchObject({
      properties: { pick: [[1, "one"], expect.any(String)] },
    });
    expect(fillForm([list], { pick: [value, "one"] })).toHaveProperty("problems.pick");
  });

  it("left alone is filled with its defaults, blank source stamp fields as empty texts", () => {
    expect(fillForm([asked, stampNest("")], {})).toEqual({
      username: "",
      reason: "force build",
      priority: 0,
      sourceStamps: [{ branch: "", revision: "", repository: "", project: "", codebase: "" }],
      properties: {},
    });
  });

  it("asks for one source stamp per codebase", () => {
    const filled = fillForm([asked, stampNest("lib"), stampNest("app")], { lib_branch: "main", app_revision: "abc" });
    expect("sourceStamps" in filled && filled.sourceStamps).toEqual([
      { branch: "main", revision: "", repository: "", project: "", codebase: "lib" },
      { branch: "", revision: "abc", repository: "", project: "", codebase: "app" },
    ]);
  });

  it("makes properties: of a named nest one with an object, of an unnamed one each field", () => {
    const form = [
      asked,
      stampNest(""),
      nest("opts", [
        field("clean", { fullName: "opts_clean", type: "bool", default: true }),
        field("jobs", { fullName: "opts_jobs", type: "int", default: 1 }),
        nest("deep", [
          field("notes", { fullName: "opts_deep_notes" }),
          field("mult", { fullName: "opts_deep_mult", type: "list", multiple: true, choices: ["a", "b"] }),
        ]),
      ]),
      nest("", [field("flag", { type: "fixed", default: "yes" })]),
      nest("any1", [field("name", { fullName: "any1_name" }), field("value", { fullName: "any1_value" })]),
      nest("any2", [field("name", { fullName: "any2_name" }), field("value", { fullName: "any2_value" })]),
    ];
    const filled = fillForm(form, {
      opts_clean: false,
      opts_jobs: "4",
      opts_deep_mult: ["a"],
      flag: "no",
      any1_name: "free",
      any1_value: "1",
      any2_name: "",
    });
    expect("properties" in filled && filled.properties).toEqual({
      opts: [{ clean: false, jobs: 4, deep: { notes: "", mult: ["a"] } }, "Force Build Form"],
      flag: ["yes", "Force Build Form"],
      free: ["1", "Force Build Form"],
    });
  });

  it("reports every wrong field by its full name, in a sentence", () => {
    const form = [
      asked,
      nest("o", [
        field("needed", { fullName: "o_needed", label: "Needed", required: true }),
        field("pattern", { fullName: "o_pattern", regex: "v[0-9]+$" }),
        field("short", { fullName: "o_short", maxsize: 3 }),
        field("one", { fullName: "o_one", type: "list", choices: ["a", "b"], strict: true }),
        field("open", { fullName: "o_open", type: "list", choices: ["a"], strict: false }),
        field("number", { fullName: "o_number", type: "int" }),
      ]),
    ];
    const filled = fillForm(form, {
      username: "bad",
      o_needed: " ",
      o_pattern: "x",
      o_short: "long",
      o_one: "c",
      o_open: "c",
      o_number: "1.5",
    });
    expect(filled).toEqual({
      problems: {
        username: "username: please fill in email address in the form 'User <email@email.com>'",
        o_needed: "'Needed' needs to be specified",
        o_pattern: "pattern: 'x' does not match the pattern v[0-9]+$",
        o_short: "short: is too large: 4 characters, the maximum is 3",
        o_one: "'c' does not belong to list of available choices 'a, b'",
        o_number: "number: '1.5' is no integer",
      },
    });
  });

  it("bounds what may be filled in where the form says nothing of it, and what its patterns cost", () => {
    const form = [
      field("line"),
      field("lines", { type: "textarea" }),
      field("evil", { regex: "(a+)+$" }),
      field("python", { regex: "(?P<x>a)" }),
      field("large", { maxsize: 1_000_000 }),
      field("many", { type: "list", multiple: true, strict: false }),
    ];
    const ask = (name: string, value: Json) => {
      const filled = fillForm(form, { [name]: value });
      return "problems" in filled ? filled.problems[name] : undefined;
    };
    expect(ask("line", "x".repeat(4096))).toBeUndefined();
    expect(ask("line", "x".repeat(4097))).toBe("line: is too large: 4097 characters, the maximum is 4096");
    expect(ask("lines", "x".repeat(65_536))).toBeUndefined();
    expect(ask("lines", "x".repeat(65_537))).toContain("the maximum is 65536");
    expect(ask("large", "x".repeat(1_000_000))).toBeUndefined();
    expect(ask("many", ["x".repeat(70_000)])).toBe("many: is too large");
    expect(ask("evil", `${"a".repeat(4000)}!`)).toContain("does not match the pattern");
    expect(ask("python", "a")).toContain("nothing is taken; mend it in the config");
  });
});
