import { expect, it } from "vitest";
import { clusterConfig } from "./define-cluster.ts";

it.each([
  [{ privateKey: "short" }, "must be the 64 hexadecimal digits of an ed25519 key's seed"],
  [{ ticket: "secret", privateKey: "0".repeat(64) }, "a master logs in with a ticket or with a key, not with both"],
])("refuses a login at the router that makes no sense: %o", (login, sentence) => {
  const config = { name: "acme", database: "sqlite::memory:", bus: { router: "ws://localhost:8080/ws", ...login } };
  const { error } = clusterConfig.safeParse(config);
  expect(error?.issues).toMatchObject([{ path: ["bus", "privateKey"], message: sentence }]);
});
