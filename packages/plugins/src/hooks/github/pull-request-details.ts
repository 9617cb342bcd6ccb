import { errors } from "@multimaster/core";
import { z } from "zod";

/** Data that GitHub does not send with a pull request. */
export interface PullRequestDetails {
  /** Names of changed files; of renamed ones both names. */
  readonly files: readonly string[];
  /** Message of its newest commit. */
  readonly message: string;
}

export interface PullRequestPlace {
  /** `acme/web` */
  readonly repository: string;
  readonly number: number;
  readonly head: string;
}

const perPage = 100;
/** GitHub lists at most 3000 files. */
const maxPages = 30;

const fileList = z.array(z.object({ filename: z.string(), previous_filename: z.string().optional() }));
const commit = z.object({ commit: z.object({ message: z.string() }) });

/** Queries GitHub for them. A failure is an error, so that the delivery does not count as stored. */
export async function fetchDetails(
  { repository, number, head }: PullRequestPlace,
  { apiUrl, token, signal }: { apiUrl: string; token: string; signal: AbortSignal },
): Promise<PullRequestDetails> {
  const root = `${apiUrl.replace(/\/$/, "")}/repos/${repository}`;
  const headers = {
    accept: "application/vnd.github+json",
    authorization: `Bearer ${token}`,
    "user-agent": "multimaster",
  };

  async function get<S extends z.ZodType>(path: string, schema: S): Promise<z.output<S>> {
    try {
      const response = await fetch(`${root}/${path}`, { headers, signal });
      if (!response.ok) throw new Error(`it answered ${response.status}`);
      return schema.parse(await response.json());
    } catch (error) {
      throw errors.forgeFailed("GitHub", path, describe(error), { cause: error });
    }
  }

  async function listFiles(): Promise<string[]> {
    const names = new Set<string>();
    for (let page = 1; page <= maxPages; page++) {
      const files = await get(`pulls/${number}/files?per_page=${perPage}&page=${page}`, fileList);
      for (const { filename, previous_filename } of files) {
        names.add(filename);
        if (previous_filename !== undefined) names.add(previous_filename);
      }
      if (files.length < perPage) break;
    }
    return [...names];
  }

  const [files, { commit: newest }] = await Promise.all([listFiles(), get(`commits/${head}`, commit)]);
  return { files, message: newest.message };
}

function describe(error: unknown): string {
  if (error instanceof z.ZodError) return "its answer is not as expected";
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}
