/** A Content-Disposition that offers a file of this name. Plain names are not quoted, as clients expect. */
export function attachment(filename: string): string {
  if (/^[\w!#$&+.^`|~-]+$/.test(filename)) return `attachment; filename=${filename}`;
  const ascii = filename.replace(/[^\x20-\x7e]/g, "_").replace(/["\\]/g, "_");
  const encoded = encodeURIComponent(Buffer.from(filename).toString()).replace(
    /['()*]/g,
    (c) => `%${c.charCodeAt(0).toString(16)}`,
  );
  return `attachment; filename="${ascii}"; filename*=UTF-8''${encoded}`;
}
