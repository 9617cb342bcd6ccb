// Loaded into a master before its program (`node --expose-gc --import`): answers how much memory is in use after a garbage
// collection, at a port that it writes into the file named by MEMORY_PORT_FILE. The program itself has no such thing.
import { renameSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";

const file = process.env.MEMORY_PORT_FILE;
const server = createServer((_request, response) => {
  // What a first collection finalizes, a second one frees.
  for (let n = 0; n < 3; n += 1) globalThis.gc();
  response.end(JSON.stringify(process.memoryUsage()));
});
server.unref();
server.listen(0, "127.0.0.1", () => {
  writeFileSync(`${file}.new`, String(server.address().port));
  renameSync(`${file}.new`, file);
});
