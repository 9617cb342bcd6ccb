import { randomBytes } from "node:crypto";
import type { LoadedConfig } from "@multimaster/config";
import { errors } from "@multimaster/core";
import { commandLineActor, createTrail, type TokenScope } from "@multimaster/data";
import { insertApiToken, listApiTokens, revokeApiToken } from "@multimaster/database";
import { withCluster } from "./with-cluster.ts";

export interface NewToken {
  readonly name: string;
  readonly roles: readonly string[];
  readonly scope: TokenScope;
  /** Undefined: until it is revoked. */
  readonly lifetimeMs?: number | undefined;
}

export interface TokenStatus {
  readonly name: string;
  readonly roles: readonly string[];
  readonly scope: TokenScope;
  readonly state: "valid" | "expired" | "revoked";
  readonly made_at: number;
  readonly expires_at: number | null;
  readonly used_at: number | null;
}

/** Makes an API token in the rows, and returns its secret: the only time that it is seen. */
export function createToken(config: LoadedConfig, { name, roles, scope, lifetimeMs }: NewToken): Promise<string> {
  return withCluster(config, async (database) => {
    const secret = `mmt_${randomBytes(32).toString("base64url")}`;
    const seconds = lifetimeMs === undefined ? null : lifetimeMs / 1000;
    await database.transaction(async (tx) => {
      if (!(await insertApiToken(tx, secret, { name, roles, scope, seconds }))) throw errors.tokenExists(name);
      await trailOf("create token", name, `roles: ${roles.join(", ") || "none"}; may ${scope}`)(tx);
    });
    return secret;
  });
}

export function listTokens(config: LoadedConfig): Promise<TokenStatus[]> {
  return withCluster(config, async (database) => {
    const now = Date.now() / 1000;
    return (await listApiTokens(database)).map((row) => ({
      name: row.name,
      roles: JSON.parse(row.roles) as string[],
      scope: row.scope as TokenScope,
      state:
        row.revoked_at !== null ? "revoked" : row.expires_at !== null && row.expires_at <= now ? "expired" : "valid",
      made_at: row.made_at,
      expires_at: row.expires_at,
      used_at: row.used_at,
    }));
  });
}

/** From now on no master accepts it. */
export function revokeToken(config: LoadedConfig, name: string): Promise<void> {
  return withCluster(config, async (database) => {
    await database.transaction(async (tx) => {
      if (!(await revokeApiToken(tx, name))) throw errors.tokenNotThere(name);
      await trailOf("revoke token", name)(tx);
    });
  });
}

function trailOf(action: string, name: string, detail?: string) {
  return createTrail(commandLineActor(), action, `tokens/${name}`, detail);
}
