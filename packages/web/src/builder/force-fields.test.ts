import type { FormField } from "@multimaster/data";
import { describe, expect, it } from "vitest";
import { asksFor, defaultValues, nameOf, valuesOfBuild, valuesOfQuery } from "./force-fields.ts";

const field = (name: string, fullName = name): FormField => ({ name, fullName, type: "text" });
const stampFields = ["branch", "revision", "repository", "project"];
const group = (name: string, fields: readonly FormField[]): FormField => ({
  name,
  fullName: null,
  type: "nested",
  fields,
});

const form: readonly FormField[] = [
  field("username"),
  field("reason"),
  { ...field("verbose"), type: "bool" },
  { ...field("jobs"), type: "int", default: 2 },
  group("", [field("target")]),
  group("deploy", [field("region", "deploy_region")]),
  group(
    "lib",
    stampFields.map((name) => field(name, `lib_${name}`)),
  ),
];

const stamp = { branch: "main", revision: "abc", repository: "r", project: null, codebase: "lib" };

describe("the form of a build that is requested again", () => {
  it("is filled with the build's source stamps and properties, but not with its reason", () => {
    const properties = {
      reason: ["because", "Force Build Form"],
      verbose: [true, "Force Build Form"],
      target: ["arm", "Force Build Form"],
      deploy: [{ region: "eu" }, "Force Build Form"],
      unasked: ["for", "Builder"],
    } as never;
    expect(valuesOfBuild(form, { properties }, [stamp] as never)).toEqual({
      verbose: true,
      target: "arm",
      deploy_region: "eu",
      lib_branch: "main",
      lib_revision: "abc",
      lib_repository: "r",
      lib_project: "",
    });
  });

  it("keeps the defaults of fields that the build does not determine", () => {
    const values = { ...defaultValues(form), ...valuesOfBuild(form, { properties: {} }, []) };
    expect(values).toMatchObject({ jobs: 2, verbose: false, target: "", lib_branch: "" });
  });
});

it("is filled from the address, with the texts, ticks and choices that it gives", () => {
  const fields = [...form, { ...field("systems"), multiple: true, choices: ["linux", "mac"] }];
  expect(
    valuesOfQuery(fields, new URLSearchParams("result=failure&target=arm&verbose=true&systems=linux&systems=mac")),
  ).toEqual({ target: "arm", verbose: true, systems: ["linux", "mac"] });
});

describe("the name of the user", () => {
  const field = { name: "username", fullName: "username", type: "username" };
  const ann = { anonymous: false, username: "ann", full_name: "Ann Example", email: null, auth: { name: "login" } };
  it("is not asked of a logged-in user, unless the form wants an address that is not known", () => {
    expect(asksFor(field, ann)).toBe(false);
    expect(asksFor({ ...field, need_email: true }, ann)).toBe(true);
    expect(asksFor(field, { ...ann, anonymous: true })).toBe(true);
    expect(asksFor({ ...field, name: "target", type: "text" }, ann)).toBe(true);
  });

  it("is the full name with the address, as far as they are known", () => {
    expect(nameOf({ ...ann, email: "ann@example.org" })).toBe("Ann Example <ann@example.org>");
    expect(nameOf({ ...ann, full_name: null })).toBe("ann");
  });
});
