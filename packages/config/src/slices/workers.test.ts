import { describe, expect, it } from "vitest";
import { warningsOfWorkers, workersSlice } from "./workers.ts";

const warningsOf = (password: string, host = "0.0.0.0") =>
  warningsOfWorkers(workersSlice.parse({ host, workers: [{ name: "w1", password }] })).map(({ sentence }) => sentence);

describe("passwords of workers", () => {
  it.each([
    "change me",
    "changeme",
    "ChangeMe1",
    "password",
    "pass",
    "secret",
    "W1",
    "worker1",
    "123456789012",
    "sekrit",
  ])("that everybody tries are warned of where others reach the port: %s", (password) => {
    expect(warningsOf(password).join()).toMatch(/commonly guessed/);
    expect(warningsOf(password, "::").join()).toMatch(/commonly guessed/);
    expect(warningsOf(password, "127.0.0.1")).toEqual([]);
    expect(warningsOf(password, "::1")).toEqual([]);
  });

  it("that are short are warned of, long ones are not", () => {
    expect(warningsOf("x7Gq!ks9").join()).toMatch(/fewer than 12 characters/);
    expect(warningsOf("nahch4Eeg0Ohquo1")).toEqual([]);
  });
});
