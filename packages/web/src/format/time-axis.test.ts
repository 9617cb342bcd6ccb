import { expect, it } from "vitest";
import { roundMarks } from "./time-axis.ts";

const at = (hours: number, minutes: number) => (hours * 60 + minutes) * 60;

it("marks round times, at most eight, whatever the time is now", () => {
  expect(roundMarks(at(4, 36), 15 * 60, 0).map((mark) => mark.at)).toEqual(
    [36, 38, 40, 42, 44, 46, 48].map((minutes) => at(4, minutes)),
  );
  expect(roundMarks(at(4, 36), 6 * 3600, 0).map((mark) => mark.at)).toEqual(
    [5, 6, 7, 8, 9].map((hours) => at(hours, 0)),
  );
});

it("goes by the time of the place: half an hour beside UTC the hours are there, too", () => {
  const [first] = roundMarks(at(4, 36), 6 * 3600, 5.5 * 3600);
  expect(first).toEqual({ at: at(5, 30), part: 54 / 360 });
});
