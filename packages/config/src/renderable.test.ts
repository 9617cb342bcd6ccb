import { describe, expect, it } from "vitest";
import { interpolate, type RenderContext, render } from "./renderable.ts";

const build: RenderContext = {
  build: { buildid: 7, buildrequestid: 5, number: 3 },
  property: (name) => ({ version: "1.2", jobs: 4, empty: "" })[name],
  secret: (name) => `secret ${name}`,
  source: () => ({ branch: "main", revision: null, repository: "r", project: "p" }),
};

describe("options of a build", () => {
  it("may hold functions at any depth, also async ones that give functions", async () => {
    const options = {
      command: ["make", interpolate("-j${jobs}")],
      env: { V: async () => interpolate("v${version}") },
      n: 1,
    };
    expect(await render(options, build)).toEqual({ command: ["make", "-j4"], env: { V: "v1.2" }, n: 1 });
  });

  it("may not keep the event loop for themselves", async () => {
    const loop = () => {
      for (;;);
    };
    await expect(render({ command: ["make", loop] }, build)).rejects.toThrow("it blocked its master for 1000 ms");
  });

  it("interpolate properties, with a default for what is absent or empty", () => {
    expect(interpolate("${version} ${empty:-none} ${absent:-x y} [${absent}] $${version} $HOME")(build)).toBe(
      "1.2 none x y [] ${version} $HOME",
    );
  });
});
