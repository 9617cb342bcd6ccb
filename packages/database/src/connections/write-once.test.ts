import { Writable } from "node:stream";
import { expect, it } from "vitest";
import { writeOnce } from "./write-once.ts";

/** A socket that notes what each system call would take. */
class Socket extends Writable {
  readonly calls: string[] = [];
  override _write(piece: Buffer, _: string, done: () => void): void {
    this.calls.push(piece.toString());
    done();
  }
  override _writev(pieces: { chunk: Buffer }[], done: () => void): void {
    this.calls.push(pieces.map(({ chunk }) => chunk.toString()).join(""));
    done();
  }
}

const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

it("sends what is written in one turn at its end, and in order", async () => {
  const socket = new Socket();
  const write = async (text: string) => {
    writeOnce(socket);
    socket.write(text);
  };
  void write("a").then(() => write("b").then(() => write("c")));
  void write("d");
  expect(socket.calls).toEqual([]);
  await nextTurn();
  expect(socket.calls).toEqual(["adbc"]);
  await write("e");
  await nextTurn();
  expect(socket.calls).toEqual(["adbc", "e"]);
});

it("loses nothing of a socket that is ended in the same turn", async () => {
  const socket = new Socket();
  writeOnce(socket);
  socket.write("a");
  socket.end("b");
  await nextTurn();
  expect(socket.calls.join("")).toBe("ab");
  expect(socket.writableFinished).toBe(true);
});
