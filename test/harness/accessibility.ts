import axe from "axe-core";
import type { Page } from "playwright-core";

interface Finding {
  id: string;
  impact: string;
  nodes: { html: string }[];
}

/** What keeps people from using a page as it stands, by the rules of axe. */
export async function findSeriousProblems(page: Page): Promise<string[]> {
  // The page's own policy lets no other script in; the browser itself may.
  await page.evaluate(axe.source);
  const findings = (await page.evaluate("axe.run().then(({ violations }) => violations)")) as Finding[];
  return findings
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 150)).join(" | ")}`);
}
