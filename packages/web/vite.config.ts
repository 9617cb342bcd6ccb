import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { defaultClientConditions, defineConfig, type Plugin } from "vite";

export default defineConfig({
  // For modern browsers only, which keeps it small. No file is inlined: the page's content security policy forbids that.
  // Relative addresses: the page works below any path; the server writes how far up the files are.
  base: "./",
  build: { target: "es2022", outDir: "dist", assetsInlineLimit: 0, reportCompressedSize: false, emptyOutDir: true },
  // The client of the data API is bundled from its source.
  resolve: { conditions: ["source", ...defaultClientConditions] },
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  plugins: [compressFiles()],
  // `npm run dev -w packages/web` beside a master on its usual port.
  server: {
    proxy: {
      "/api": "http://127.0.0.1:8010",
      "/ws": { target: "ws://127.0.0.1:8010", ws: true },
    },
  },
});

/** The ui role sends these files as they are: compressed once, and better than each request would have time for. */
function compressFiles(): Plugin {
  return {
    name: "compress-files",
    apply: "build",
    writeBundle({ dir = "dist" }) {
      const assets = join(dir, "assets");
      for (const name of readdirSync(assets)) {
        if (!/\.(js|css|svg)$/.test(name)) continue;
        const text = readFileSync(join(assets, name));
        const params = { [constants.BROTLI_PARAM_QUALITY]: 9 };
        writeFileSync(join(assets, `${name}.br`), brotliCompressSync(text, { params }));
        writeFileSync(join(assets, `${name}.gz`), gzipSync(text, { level: 9 }));
      }
    },
  };
}
