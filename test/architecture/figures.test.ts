import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { listFiles, readSource, root } from "./source-files.ts";

const namesIn = (text: string): string[] => [...new Set(text.match(/\bmultimaster_[a-z_]+/g) ?? [])];

/** The names of figures as masters declare them. */
function declaredFigures(): Set<string> {
  const product = listFiles()
    .filter((file) => /^(packages|roles)\/.*(?<!\.test)\.ts$/.test(file))
    .map(readSource);
  const [whole, parts] = [
    product.flatMap(namesIn),
    product.flatMap((text) => text.match(/\bgauge\(\s*"[a-z_]+"/g) ?? []),
  ];
  return new Set([...whole, ...parts.map((part) => `multimaster_${part.split('"')[1]}`)]);
}

it.each(["configs/deploy/prometheus/alerts.yml", "configs/deploy/grafana/multimaster.json"])(
  "%s names only figures that masters have",
  (file) => {
    const declared = declaredFigures();
    const named = namesIn(readFileSync(join(root, file), "utf8").replaceAll(/_bucket\b/g, ""));
    expect(named.length).toBeGreaterThan(10);
    expect(named.filter((name) => !declared.has(name))).toEqual([]);
  },
);
