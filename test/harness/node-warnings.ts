/** A line with a warning of Node: as text, or as a master and a worker log it. */
const warningLine = /^(\(node:\d+\) .*Warning\b.*|.*Node\.js warns: .*)$/m;

/** The first warning of Node in the output of a program. */
export function findNodeWarning(output: string): string | undefined {
  return warningLine.exec(output)?.[0];
}

const programs = new Set<{ name: string; output(): string }>();

/** Lets the test fail during which this program prints a warning of Node, such as of a leak: there is no false alarm. */
export function failOnNodeWarning(program: { name: string; output(): string }): void {
  programs.add(program);
}

/** Throws if one of them has printed one; see every-file.ts. */
export function checkNodeWarnings(): void {
  for (const program of programs) {
    const warning = findNodeWarning(program.output());
    if (warning === undefined) continue;
    programs.delete(program);
    throw new Error(`${program.name} printed a warning of Node: ${warning.slice(0, 2000)}`);
  }
}

/** The next file of this process has programs of its own. */
export function forgetPrograms(): void {
  programs.clear();
}
