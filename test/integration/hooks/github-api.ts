import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { onCleanup } from "../../harness/cleanup.ts";

export interface GitHubApi {
  readonly url: string;
  /** What was asked, with the token in front. */
  readonly asked: string[];
}

interface Answers {
  files: readonly { filename: string; previous_filename?: string }[];
  message: string;
  /** Status of the answers about files. */
  status?: number;
}

/** As much of GitHub's API as hooks ask. */
export async function startGitHubApi({ files, message, status = 200 }: Answers): Promise<GitHubApi> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? "", "http://x");
    asked.push(`${request.headers.authorization} ${url.pathname}`);
    const isCommit = url.pathname.includes("/commits/");
    const size = Number(url.searchParams.get("per_page"));
    const start = (Number(url.searchParams.get("page")) - 1) * size;
    response.writeHead(isCommit ? 200 : status, { "content-type": "application/json" });
    response.end(JSON.stringify(isCommit ? { commit: { message } } : files.slice(start, start + size)));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onCleanup(async () => {
    server.close();
    server.closeAllConnections();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}
