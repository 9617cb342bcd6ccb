// A plugin of the test configuration: takes one safeguard out of one source as it is loaded, so that a run can show that
// its tests notice (test/integration/planted-sources/planted-sources.test.ts). Without PLANTED_SOURCE it does nothing.
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));

/** Vite's plugin, or none. */
export function plantSource(given = process.env.PLANTED_SOURCE) {
  if (!given) return [];
  const { file, safeguard, instead } = JSON.parse(given);
  return [
    {
      name: "plant-source",
      enforce: "pre",
      transform(code, id) {
        if (id.split("?")[0] !== `${root}${file}`) return undefined;
        if (!code.includes(safeguard)) throw new Error(`${file} does not say ${JSON.stringify(safeguard)} any more`);
        console.error(`planted in ${file}`);
        return { code: code.replace(safeguard, () => instead), map: null };
      },
    },
  ];
}
