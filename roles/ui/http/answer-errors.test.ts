import type { AddressInfo } from "node:net";
import { errors, silentLog } from "@multimaster/core";
import Koa from "koa";
import { expect, it, onTestFinished } from "vitest";
import { answerErrors } from "./answer-errors.ts";

/** The answer to a client when this is thrown. */
async function answerTo(thrown: Error) {
  const app = new Koa();
  const explainDatabase = ({ message }: Error) => {
    if (message === "away") return errors.databaseAway();
    return message === "refuses" ? errors.databaseRefuses("it is read-only") : undefined;
  };
  const data = { explainDatabase };
  app.use(answerErrors({ data, log: silentLog } as never));
  app.use(() => {
    throw thrown;
  });
  const server = app.listen(0, "127.0.0.1");
  onTestFinished(() => void server.close());
  await new Promise((resolve) => server.once("listening", resolve));
  const response = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  return [response.status, await response.text()];
}

it("says the user's mistake, that the database is away, and nothing about what is inside", async () => {
  expect(await answerTo(errors.requestInvalid("x is wrong"))).toEqual([400, "x is wrong\n"]);
  expect(await answerTo(new Error("away"))).toEqual([503, expect.stringMatching(/database does not answer/)]);
  expect(await answerTo(new Error("refuses"))).toEqual([503, expect.stringMatching(/refuses: it is read-only/)]);
  expect(await answerTo(new Error("secret"))).toEqual([500, "internal error\n"]);
});
