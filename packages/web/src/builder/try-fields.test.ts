import { describe, expect, it } from "vitest";
import { defaultValues } from "./force-fields.ts";
import { fieldsOfTry, readTry } from "./try-fields.ts";

const scheduler = {
  name: "try",
  enabled: true,
  builder_names: ["app", "docs"],
  codebase: "",
  repository: "",
  project: "",
  branch: "main",
  max_patch_size: 1000,
  properties: {},
  priority: 0,
};
const initial = defaultValues(fieldsOfTry(scheduler, "app"));

describe("the form of a try", () => {
  it("sends what is pasted, on the builder of its page, with the end of the last line", () => {
    expect(readTry({ ...initial, patch: "--- a/f\n+++ b/f" }, undefined)).toEqual({
      params: {
        patch: btoa("--- a/f\n+++ b/f\n"),
        builderNames: ["app"],
        level: 1,
        comment: "",
        properties: {},
        branch: "main",
      },
    });
  });

  it("sends a file as it is, and the other fields that have a value", () => {
    const file = Uint8Array.from({ length: 20_000 }, (_, i) => i % 256);
    const values = { ...initial, branch: "", revision: " a1 ", subdir: "lib", level: "0", properties: "a=b=c\n\n d =" };
    const read = readTry({ ...values, patch: "not this" }, file);
    expect(read).toMatchObject({
      params: { revision: "a1", subdir: "lib", level: 0, properties: { a: "b=c", d: "" } },
    });
    expect(read).not.toHaveProperty("params.branch");
    const sent = "params" in read ? atob(read.params.patch) : "";
    expect(Uint8Array.from(sent, (each) => each.charCodeAt(0))).toEqual(file);
  });

  it("names the problem of each field, all at once", () => {
    expect(
      readTry({ ...initial, patch: " \n", builderNames: [], level: "1.5", properties: "fast" }, undefined),
    ).toEqual({
      problems: {
        patch: "Paste the difference, or choose a file.",
        builderNames: "Choose a builder.",
        level: "Must be a whole number from 0 to 9.",
        properties: '"fast" is no property: write NAME=VALUE.',
      },
    });
  });
});
