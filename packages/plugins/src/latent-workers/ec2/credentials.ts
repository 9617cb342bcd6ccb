import { withTimeLimit } from "@multimaster/core";
import { z } from "zod";
import { explainFailure } from "../http/explain-failure.ts";
import { readAnswer } from "../http/read-answer.ts";
import { readText } from "./read-text.ts";

/** What requests are signed with. */
export interface AwsKeys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
}

const roleKeys = z.object({ AccessKeyId: z.string(), SecretAccessKey: z.string(), Token: z.string() });
/** Nothing that the metadata service answers here is longer. */
const longestAnswer = 20_000;
/** It is a link away; on a machine that is none of the cloud, no one answers at its address. */
const longestMs = 5000;
const prefix = "/latest/meta-data/iam/security-credentials/";

/** Asks the metadata service (version 2) of this machine for the keys of the machine's role, which expire. */
export function readRoleKeys(metadataUrl: string, signal: AbortSignal): Promise<AwsKeys> {
  return withTimeLimit(longestMs, signal, (limited) => askForKeys(metadataUrl, signal, limited));
}

async function askForKeys(metadataUrl: string, signal: AbortSignal, limited: AbortSignal): Promise<AwsKeys> {
  const ask = async (path: string, init: RequestInit) => {
    try {
      const answer = await fetch(new URL(path, metadataUrl), { ...init, signal: limited, redirect: "error" });
      return { status: answer.status, text: (await readText(answer, longestAnswer)).trim() };
    } catch (error) {
      signal.throwIfAborted();
      const why = explainFailure(error, { url: metadataUrl, timeoutMs: longestMs });
      throw new Error(`no accessKeyId is set, and the metadata service ${metadataUrl} does not answer: ${why}`);
    }
  };
  const read = async (path: string, init: RequestInit) => {
    const { status, text } = await ask(path, init);
    if (status === 200 && text !== "") return text;
    throw new Error(`no accessKeyId is set, and this machine has no role that it could use (${path}: ${status})`);
  };
  const token = await read("/latest/api/token", {
    method: "PUT",
    headers: { "X-aws-ec2-metadata-token-ttl-seconds": "300" },
  });
  const headers = { "X-aws-ec2-metadata-token": token };
  const [role = ""] = (await read(prefix, { headers })).split("\n");
  const text = await read(`${prefix}${encodeURIComponent(role.trim())}`, { headers });
  const keys = readAnswer(text, roleKeys, `the metadata service ${metadataUrl}`);
  return { accessKeyId: keys.AccessKeyId, secretAccessKey: keys.SecretAccessKey, sessionToken: keys.Token };
}
