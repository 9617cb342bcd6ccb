import type { ForceScheduler } from "@multimaster/data";
import { describe, expect, it } from "vitest";
import { chooseForceScheduler, fillForceForm } from "./fill-form.ts";

const leaf = (name: string, more: object = {}) => ({ name, fullName: name, type: "text", ...more });
const codebase = (name: string) => ({
  name,
  fullName: name,
  type: "nested",
  fields: ["branch", "revision", "repository", "project"].map((field) =>
    leaf(field, { fullName: name === "" ? field : `${name}_${field}` }),
  ),
});
const slot = (name: string) => ({
  name,
  fullName: name,
  type: "any",
  fields: [leaf("name", { fullName: `${name}_name` }), leaf("value", { fullName: `${name}_value` })],
});

function scheduler(fields: object[], more: Partial<ForceScheduler> = {}): ForceScheduler {
  return {
    name: "force",
    label: "force",
    button_name: "force",
    enabled: true,
    builder_names: ["web", "db"],
    all_fields: fields as ForceScheduler["all_fields"],
    ...more,
  };
}

describe("the form of a force scheduler", () => {
  it("is filled by what the command line says", () => {
    const form = scheduler([
      leaf("reason"),
      codebase(""),
      leaf("targets", { multiple: true }),
      { name: "opts", fullName: "opts", type: "nested", fields: [leaf("level", { fullName: "opts_level" })] },
      slot("extra"),
    ]);
    const wishes = {
      builders: ["web"],
      branch: "main",
      revision: "abc",
      reason: "because a=b",
      fields: ["targets=a", "targets=b"],
      properties: ["level=3", "mine=x=y"],
    };
    expect(fillForceForm(form, wishes)).toEqual({
      builderNames: ["web"],
      branch: "main",
      revision: "abc",
      reason: "because a=b",
      targets: ["a", "b"],
      opts_level: "3",
      extra_name: "mine",
      extra_value: "x=y",
    });
  });

  it("says field by field what it has no place for", () => {
    const form = scheduler([codebase("app"), codebase("lib")]);
    expect(() => fillForceForm(form, { branch: "main", properties: ["a=1"], fields: ["b=2"] })).toThrow(
      /branch: there are several codebases; use --field app_branch=… or --field lib_branch=…\n.*b: no such field.*\n.*a: this form has no \(further\) field/s,
    );
  });

  it("is that of the only scheduler that forces the builders", () => {
    const all = [
      scheduler([], { name: "all" }),
      scheduler([], { name: "web", builder_names: ["web"] }),
      scheduler([], { name: "off", enabled: false }),
    ];
    expect(chooseForceScheduler(all, undefined, ["db"]).name).toBe("all");
    expect(chooseForceScheduler(all, "off").name).toBe("off");
    expect(() => chooseForceScheduler(all, undefined, ["web"])).toThrow("Name the force scheduler to use: all, web.");
    expect(() => chooseForceScheduler(all, undefined, ["none"])).toThrow(
      "No force scheduler builds none (builders that can be forced: ",
    );
    expect(() => chooseForceScheduler(all, "x")).toThrow('There is no force scheduler "x" (have: all, web, off).');
  });
});
