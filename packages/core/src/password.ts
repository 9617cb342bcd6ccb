import { randomBytes, scrypt, timingSafeEqual } from "node:crypto";

/** Cost of a new hash: about 32 MB and 0.1 s. Each hash records its own cost, so this may be raised. */
const cost = { N: 2 ** 15, r: 8, p: 1 } as const;
const form = /^scrypt:(\d{4,7}):(\d{1,2}):(\d{1,2}):([\w-]{16,}):([\w-]{43})$/;

interface Cost {
  readonly N: number;
  readonly r: number;
  readonly p: number;
}

/** Whether a text has the form of a hash by `hashPassword`. */
export function isPasswordHash(text: string): boolean {
  return form.test(text);
}

/** A salted scrypt hash of a password, for use in a config. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16).toString("base64url");
  const key = await derive(password, salt, cost);
  return `scrypt:${cost.N}:${cost.r}:${cost.p}:${salt}:${key.toString("base64url")}`;
}

/** Whether the password matches the hash. A wrong password takes as long as the right one. */
export async function isPassword(password: string, hash: string): Promise<boolean> {
  const [, N, r, p, salt = "", key = ""] = form.exec(hash) ?? [];
  if (N === undefined) return false;
  const found = await derive(password, salt, { N: Number(N), r: Number(r), p: Number(p) });
  return timingSafeEqual(found, Buffer.from(key, "base64url"));
}

function derive(password: string, salt: string, { N, r, p }: Cost): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    // The same letters typed on different keyboards must be the same password.
    scrypt(password.normalize("NFKC"), salt, 32, { N, r, p, maxmem: 256 * N * r }, (error, key) =>
      error ? reject(error) : resolve(key),
    );
  });
}
