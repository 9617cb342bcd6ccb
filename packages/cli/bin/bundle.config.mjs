// How `npm start` and `npm run build` bundle the compiled program: a master then loads a dozen files instead of five
// hundred, and so does the thread of each role.
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

const packages = fileURLToPath(new URL("../..", import.meta.url));

/** What a user's config loads, too, stays as it is: it must not be there twice. So do the packages of others. */
const bundled = /^@multimaster\/(bus|cluster|data|database|lifecycle|operator|placement|roles|wire|worker)(\/|$)/;

export default defineConfig({
  build: {
    ssr: true,
    target: "node20",
    outDir: "dist/bundle",
    // A running master still loads files of the bundle before: bundle-files.mjs deletes them later.
    emptyOutDir: false,
    minify: false,
    rollupOptions: {
      input: {
        main: join(packages, "cli/dist/main.js"),
        "run-role": join(packages, "../roles/dist/master/threads/run-role.js"),
        "heartbeat-thread": join(packages, "cluster/dist/heartbeat-thread.js"),
      },
      external: (id) => /^[@a-z]/.test(id) && !bundled.test(id),
      output: { entryFileNames: "[name].js", chunkFileNames: "[name]-[hash].js" },
    },
  },
});
