import { list } from "../api/read.ts";

/** The lines of a log from `offset` on, as they are stored: in a log of `type` s each begins with the letter of its stream. */
export async function readLines(logid: number, offset: number, limit: number): Promise<string[]> {
  const { items } = await list("logchunks", `logs/${logid}/contents`, { offset, limit });
  const content = items[0]?.content ?? "";
  if (content === "") return [];
  return (content.endsWith("\n") ? content.slice(0, -1) : content).split("\n");
}

/** The text of a stored line, and its stream. */
export function splitStream(line: string, type: string): { stream: "o" | "e" | "h"; text: string } {
  if (type !== "s") return { stream: "o", text: line };
  const letter = line.charAt(0);
  return { stream: letter === "e" || letter === "h" ? letter : "o", text: line.slice(1) };
}
