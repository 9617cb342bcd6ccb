import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { type RestServer, startRestServer } from "../../harness/rest-server.ts";
import { temporaryDirectory } from "../../harness/temporary-directory.ts";
import { newDatabase } from "../../harness/test-databases.ts";

/** What pip leaves behind, in small. */
const installed = {
  "buildbot_www/VERSION": "9.9.9\n",
  "buildbot_www/static/index.html": "<html><!-- BUILDBOT_CONFIG_PLACEHOLDER --></html>",
  "buildbot_www/static/icon.svg": "<svg/>",
  "buildbot_www/static/assets/index-1.js": "1",
  "buildbot_www/secret.py": "",
  "buildbot_grid_view/static/scripts.js": "grid",
  "buildbot_worker/runner.py": "",
};

function install(files: Record<string, string>): string {
  const directory = temporaryDirectory("wheels");
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), text);
  }
  return directory;
}

describe("a ui that hosts Buildbot's frontend", () => {
  let server: RestServer;
  beforeAll(async () => {
    const slice = { app: "buildbot", path: install(installed), title: "</script>$&" };
    server = await startRestServer(await newDatabase("sqlite"), slice);
  });

  it("sends the page its config, in which no text can end the script", async () => {
    const { text, contentType } = await server.get("/");
    expect(contentType).toBe("text/html; charset=utf-8");
    const json = /^<html><script>window.buildbotFrontendConfig = (.*)<\/script><\/html>$/.exec(text)?.[1] ?? "";
    expect(json).not.toContain("<");
    const config = (await server.get("/config")).body;
    expect(JSON.parse(json)).toEqual(config);
    expect(config).toMatchObject({
      auth: { name: "NoAuth" },
      user: { anonymous: true, email: null },
      title: "</script>$&",
      buildbotURL: server.url,
      plugins: { grid_view: {} },
      versions: [["Multimaster", expect.any(String)], expect.anything(), ["Buildbot's frontend", "9.9.9"]],
    });
    expect(Object.keys(config.plugins)).toEqual(["grid_view"]);
  });

  it("serves the files as they are, with the types and the caching that browsers need", async () => {
    const script = await server.get("/assets/index-1.js");
    expect([script.text, script.contentType]).toEqual(["1", "text/javascript; charset=utf-8"]);
    expect(script.headers.get("cache-control")).toContain("immutable");
    const icon = await server.get(`${server.url}/icon.svg`);
    expect([icon.text, icon.contentType]).toEqual(["<svg/>", "image/svg+xml"]);
    const etag = icon.headers.get("etag") as string;
    const again = await server.get("/icon.svg", { "if-none-match": etag, "cache-control": "max-age=0" });
    expect([again.status, again.text]).toEqual([304, ""]);
    expect((await server.get("/plugins/grid_view/scripts.js")).text).toBe("grid");
  });

  it("answers with empty styles for a view that has none, so that no request of the page fails", async () => {
    expect(await server.get("/plugins/grid_view/styles.css")).toMatchObject({ status: 200, text: "" });
    expect((await server.get("/plugins/console_view/styles.css")).status).toBe(404);
  });

  it.each(["/secret.py", "/../secret.py", "/..%2Fsecret.py", "/builders/1", "/assets"])(
    "has nothing at %s",
    async (path) => {
      expect((await server.get(path)).status).toBe(404);
    },
  );

  it("draws avatars of letters, whatever a name is", async () => {
    const { text, contentType } = await server.get("/avatar?email=%3Cscript%3Ex.y@example.org&size=48");
    expect(contentType).toContain("image/svg+xml");
    expect(text).toContain(">SX</text>");
    expect(text).toContain('width="48"');
    expect((await server.get("/avatar")).text).toContain(">?</text>");
  });

  it("does not start without the files, and says how to get them", async () => {
    const path = temporaryDirectory("empty");
    await expect(startRestServer(await newDatabase("sqlite"), { app: "buildbot", path })).rejects.toThrow(
      `There is no Buildbot frontend in ${path}`,
    );
  });
});
