/** The text of an answer, which may be no longer than this. */
export async function readText(answer: Response, longest: number): Promise<string> {
  const blocks: Uint8Array[] = [];
  let size = 0;
  for await (const block of (answer.body ?? []) as AsyncIterable<Uint8Array>) {
    size += block.length;
    if (size > longest) throw new Error("its answer is too long");
    blocks.push(block);
  }
  return Buffer.concat(blocks).toString("utf8");
}
