import { Properties } from "@multimaster/core";
import shell from "@multimaster/plugins/steps/shell";
import { describe, expect, it } from "vitest";
import { Secrets } from "../logs/secrets.ts";
import { hashBuilder, isWhollyStored, parseResumePoint } from "./resume-point.ts";

describe("the hash of what a builder does", () => {
  const hash = (command: string | (() => string), env = {}) =>
    hashBuilder({ steps: [shell({ command })] as never, env });

  it("is the same for the same config, functions included, and differs for any other", () => {
    expect(hash(() => "make")).toBe(hash(() => "make"));
    expect(new Set([hash("make"), hash(() => "make"), hash(() => "make all"), hash("make", { A: "1" })]).size).toBe(4);
  });
});

describe("what the rows of a build say", () => {
  const properties = (value: string) => Properties.from({ name: [value, "Step"] });
  const secrets = () => new Secrets({ token: "swordfish" }).forBuild();

  it("is all, unless a property was masked or a step has learnt a secret", () => {
    expect(isWhollyStored(properties("plain"), secrets())).toBe(true);
    expect(isWhollyStored(properties("a swordfish"), secrets())).toBe(false);
    const learnt = secrets();
    learnt.add("more", "another secret");
    expect(isWhollyStored(properties("plain"), learnt)).toBe(false);
  });
});

it.each(["", "{}", '{"step":-1}', "[1]"])("a resume point of an unknown form is none: %s", (text) =>
  expect(parseResumePoint(text)).toBeUndefined(),
);
