import type { TestMaster } from "../../harness/master.ts";

/** What a forge does: one delivery of one commit to a ui; returns the status of the answer. */
export async function deliver(ui: TestMaster, revision: string, delivery: string, branch = "main"): Promise<number> {
  const fields = {
    author: "Ada <ada@example.org>",
    comments: `change ${revision}`,
    revision,
    branch,
    repository: "https://example.org/r.git",
    delivery,
  };
  const response = await ui.fetch("change_hook/base", { method: "POST", body: new URLSearchParams(fields) });
  await response.text();
  return response.status;
}
