import { z } from "zod";

/** What requests are signed with. */
export interface AwsKeys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
}

const roleKeys = z.object({ AccessKeyId: z.string(), SecretAccessKey: z.string(), Token: z.string() });
/** Nothing that the metadata service answers here is longer. */
const longestAnswer = 20_000;
const prefix = "/latest/meta-data/iam/security-credentials/";

/** Asks the metadata service (version 2) of this machine for the keys of the machine's role, which expire. */
export async function readRoleKeys(metadataUrl: string, signal: AbortSignal): Promise<AwsKeys> {
  const ask = async (path: string, init: RequestInit) => {
    const answer = await fetch(new URL(path, metadataUrl), { ...init, signal, redirect: "error" }).catch(() => {
      signal.throwIfAborted();
      throw new Error(`no accessKeyId is set, and no metadata service answers at ${metadataUrl}`);
    });
    const text = await answer.text();
    if (!answer.ok || text.length > longestAnswer)
      throw new Error(`no accessKeyId is set, and this machine has no role (${path}: ${answer.status})`);
    return text.trim();
  };
  const token = await ask("/latest/api/token", {
    method: "PUT",
    headers: { "X-aws-ec2-metadata-token-ttl-seconds": "300" },
  });
  const headers = { "X-aws-ec2-metadata-token": token };
  const [role = ""] = (await ask(prefix, { headers })).split("\n");
  const keys = roleKeys.parse(JSON.parse(await ask(`${prefix}${encodeURIComponent(role)}`, { headers })));
  return { accessKeyId: keys.AccessKeyId, secretAccessKey: keys.SecretAccessKey, sessionToken: keys.Token };
}
