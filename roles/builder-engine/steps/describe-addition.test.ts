import { interpolate, secret } from "@multimaster/config";
import shell from "@multimaster/plugins/steps/shell";
import { expect, it } from "vitest";
import { Secrets } from "../logs/secrets.ts";
import { describeAddition } from "./describe-addition.ts";

it("says templates and secrets as the config does, and other functions by their source", () => {
  const options = {
    command: ["make", interpolate("${branch}"), secret("key"), () => 1, "https://me:pw@host/a:b@c"],
    doStepIf: () => true,
  } as unknown as Parameters<typeof shell>[0];
  expect(JSON.parse(describeAddition(shell(options), new Secrets({})))).toEqual({
    step: "shell",
    options: {
      command: ["make", "${branch}", "${secret:key}", "() => 1", "https://<login>@host/a:b@c"],
      doStepIf: "() => true",
    },
  });
});
