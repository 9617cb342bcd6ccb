import { createPublicKey, verify } from "node:crypto";
import { expect, it } from "vitest";
import { answerChallenge } from "./login.ts";

it("answers a ticket challenge with the ticket", () => {
  const login = answerChallenge({ authid: "m1", ticket: "secret" });
  expect(login.authmethods).toEqual(["ticket"]);
  expect(login.authid).toBe("m1");
  expect(login.onchallenge?.({} as never, "ticket", {})).toBe("secret");
});

it("signs a cryptosign challenge with the key whose public half it shows", () => {
  const login = answerChallenge({ authid: "m2", privateKey: "0123456789abcdef".repeat(4) });
  const challenge = "ff00".repeat(16);
  const answer = login.onchallenge?.({} as never, "cryptosign", { challenge }) ?? "";
  const shown = Buffer.from(String(login.authextra?.["pubkey"]), "hex");
  const der = Buffer.concat([Buffer.from("302a300506032b6570032100", "hex"), shown]);
  const key = createPublicKey({ key: der, format: "der", type: "spki" });
  expect(answer.slice(128)).toBe(challenge);
  expect(verify(null, Buffer.from(challenge, "hex"), key, Buffer.from(answer.slice(0, 128), "hex"))).toBe(true);
});
