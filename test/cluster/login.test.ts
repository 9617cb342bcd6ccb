import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { masterProgram, startMaster } from "../harness/master.ts";
import { runProcess } from "../harness/processes.ts";
import { temporaryDirectory } from "../harness/temporary-directory.ts";

const run = (args: string[]) =>
  runProcess({ name: "master", command: process.execPath, args: [masterProgram, ...args] });

it("the command makes tokens that a running ui master takes, until it revokes them", async () => {
  const directory = temporaryDirectory("login");
  const config = join(directory, "cluster.ts");
  const { stdout: hash } = await runProcess({
    name: "master",
    command: "sh",
    args: ["-c", `printf 'correct horse\\n' | "$0" "$1" hash-password`, process.execPath, masterProgram],
  });
  writeFileSync(
    config,
    `import { defineCluster } from "@multimaster/config";
     import password from "@multimaster/plugins/auth/password";
     const ui = {
       port: 0,
       auth: password({ users: { ann: { password: "${hash.trim()}" } } }),
       authorization: { rules: [{ allow: "*", on: "*", to: ["users"] }], otherwise: "deny" },
     };
     export default defineCluster({ name: "login", database: "sqlite:state.sqlite", ui: async () => ({ default: ui }) });`,
  );
  const master = await startMaster({ config, roles: ["ui"] });
  await master.waitReady();
  expect((await master.api("masters")).status).toBe(403);

  const { stdout } = await run(["token", "create", "nightly", "--read-only", "--expires", "1d", "--config", config]);
  const headers = { authorization: `Bearer ${stdout.trim()}` };
  expect((await master.api("masters", { headers })).status).toBe(200);
  const list = JSON.parse((await run(["token", "list", "--json", "--config", config])).stdout);
  expect(list).toMatchObject([{ name: "nightly", scope: "read", state: "valid", used_at: expect.any(Number) }]);
  expect((await run(["token", "list", "--config", config])).stdout).toMatch(/nightly.*read.*valid/);
  await run(["token", "revoke", "nightly", "--config", config]);
  expect((await master.api("masters", { headers })).status).toBe(401);

  const page = await master.fetch("/auth/login", {
    method: "POST",
    body: new URLSearchParams({ username: "ann", password: "correct horse" }),
    redirect: "manual",
  });
  const cookie = String(page.headers.getSetCookie()[0]?.split(";")[0]);
  expect((await master.api("masters", { headers: { cookie } })).status).toBe(200);
});
