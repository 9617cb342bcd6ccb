import { createPrivateKey, createPublicKey, type KeyObject, sign } from "node:crypto";
import type { ConnectionOptions } from "autobahn";
import type { WampAuth } from "../contract.ts";

/** DER prefix of a 32-byte ed25519 seed, which makes it a PKCS #8 key. */
const PKCS8_ED25519 = Buffer.from("302e020100300506032b657004220420", "hex");

/** autobahn's login options for these credentials. Signing is done here: autobahn's own needs a browser's key store. */
export function answerChallenge(
  auth: WampAuth,
): Pick<ConnectionOptions, "authmethods" | "authid" | "authextra" | "onchallenge"> {
  if ("ticket" in auth) return { authmethods: ["ticket"], authid: auth.authid, onchallenge: () => auth.ticket };
  const key = createPrivateKey({
    key: Buffer.concat([PKCS8_ED25519, Buffer.from(auth.privateKey, "hex")]),
    format: "der",
    type: "pkcs8",
  });
  return {
    authmethods: ["cryptosign"],
    authid: auth.authid,
    authextra: { pubkey: publicKeyHex(key), channel_binding: null },
    onchallenge(_session, _method, extra) {
      const challenge = Buffer.from(extra.challenge ?? "", "hex");
      return sign(null, challenge, key).toString("hex") + challenge.toString("hex");
    },
  };
}

function publicKeyHex(key: KeyObject): string {
  return createPublicKey(key).export({ format: "der", type: "spki" }).subarray(-32).toString("hex");
}
