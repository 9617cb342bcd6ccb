import type { BuildbotDocument } from "./document.ts";
import type { Finding, Findings } from "./findings.ts";

/** "34 of 37 constructs translated; 3 need you: …" */
export function describeShare(findings: Findings): string {
  const { constructs, open } = findings.share;
  const done = `${constructs - open.length} of ${constructs} constructs translated`;
  if (open.length === 0) return `${done}.`;
  const some = open.slice(0, 5).join("; ");
  const more = open.length > 5 ? `; and ${open.length - 5} more` : "";
  return `${done}; ${open.length} ${open.length === 1 ? "needs" : "need"} you: ${some}${more}.`;
}

const titles: Readonly<Record<Finding["kind"], string>> = {
  todo: "To do",
  secret: "Secrets",
  note: "Works in another way",
};

const introductions: Readonly<Record<Finding["kind"], string>> = {
  todo: "What is not translated, or not wholly. `master check-config` lists what the config marks with todo(…).",
  secret: "Values that are read from the environment. Without them the config loads, and what needs them fails.",
  note: "Nothing to do, if it does not matter.",
};

/** The list of what is left to do, as a page. */
export function printReport(document: BuildbotDocument, findings: Findings): string {
  const sections = (["todo", "secret", "note"] as const).flatMap((kind) => {
    const found = findings.all.filter((finding) => finding.kind === kind);
    if (found.length === 0) return [];
    return [`## ${titles[kind]}\n\n${introductions[kind]}\n\n${group(found)}`];
  });
  const head = `# Import of ${document.file}\n\nBuildbot ${document.buildbot}, Python ${document.python}. ${describeShare(findings)}\n`;
  return `${[head.trimEnd(), ...sections].join("\n\n")}\n`;
}

/** Findings of the same kind at many places are one entry. */
function group(findings: readonly Finding[]): string {
  const groups = new Map<string, { readonly finding: Finding; readonly places: string[] }>();
  for (const finding of findings) {
    const key = `${finding.what}\0${finding.suggestion}`;
    const known = groups.get(key) ?? { finding, places: [] };
    known.places.push(finding.at === undefined ? finding.where : `${finding.where} (${finding.at})`);
    groups.set(key, known);
  }
  return [...groups.values()]
    .map(({ finding, places }) => {
      const shown = places.slice(0, 20);
      const more = places.length > shown.length ? [`  - and ${places.length - shown.length} more`] : [];
      const [only] = places;
      if (places.length === 1) return `- ${only}: ${finding.what}. *${finding.suggestion}*`;
      return [`- ${finding.what}. *${finding.suggestion}*`, ...shown.map((place) => `  - ${place}`), ...more].join(
        "\n",
      );
    })
    .join("\n");
}
