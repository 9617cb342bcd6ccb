import { isLeaseLoss, LeaseLost } from "@multimaster/cluster";
import { errors, UserError } from "@multimaster/core";
import { dialects } from "@multimaster/database";
import { expect, it } from "vitest";
import { packError, unpackError } from "./packed-error.ts";

const send = (error: unknown) => unpackError(structuredClone(packError(error)));

it("an error on its way between threads keeps what its receiver decides by", () => {
  const lease = { masterid: 1, name: "one", epoch: 2, leaseMs: 4000 };
  expect(isLeaseLoss(send(new Error("could not start", { cause: new LeaseLost(lease) })))).toBe(true);

  const refused = errors.masterNameTaken("one", "another host");
  expect(send(refused)).toBeInstanceOf(UserError);
  expect(send(refused)).toMatchObject({ message: refused.message, code: refused.code, exitCode: refused.exitCode });

  const away = Object.assign(new Error("no connection"), { code: "ECONNREFUSED" });
  expect(dialects.postgresql.isAway(send(new Error("a query failed", { cause: away })))).toBe(true);
  expect(dialects.postgresql.isAway(send(new Error("a query failed")))).toBe(false);

  expect(send("a text").message).toBe("a text");
});

it("errors that cause each other in a circle can be sent", () => {
  const one = new Error("one");
  one.cause = new Error("other", { cause: one });
  expect(send(one)).toMatchObject({ message: "one", cause: { message: "other" } });
});
