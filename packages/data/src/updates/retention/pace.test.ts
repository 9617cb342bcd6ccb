import type { Connection } from "@multimaster/database";
import { expect, it } from "vitest";
import { Pace } from "./pace.ts";

const on = (name: "sqlite" | "postgresql") => new Pace({ dialect: { name } } as Connection);
const step = (pace: Pace, ms: number) => {
  pace.worked(ms);
  pace.adapt();
};

it("begins with little, and deletes more at a time as long as the database is quick", () => {
  const pace = on("sqlite");
  expect(pace.of(20)).toBe(1);
  for (let i = 0; i < 20; i += 1) step(pace, 1);
  expect(pace.of(20)).toBe(20);
});

it("deletes less at a time after a transaction that took longer than others may wait, but never nothing", () => {
  const pace = on("sqlite");
  for (let i = 0; i < 20; i += 1) step(pace, 1);
  pace.worked(40);
  pace.worked(1);
  pace.adapt();
  expect(pace.of(20)).toBe(5);
  for (let i = 0; i < 20; i += 1) step(pace, 1000);
  expect(pace.of(20)).toBe(1);
});

it("works longer at a time on PostgreSQL, where others can write meanwhile", () => {
  const pace = on("postgresql");
  for (let i = 0; i < 20; i += 1) step(pace, 50);
  expect(pace.of(20)).toBe(20);
});
