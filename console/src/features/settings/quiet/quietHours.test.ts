import { describe, expect, it } from "vitest";
import { isQuiet, waitOf } from "./quietHours";

const NIGHT = { from: "21:00", until: "08:00" };

describe("quiet hours", () => {
  it.each([
    ["20:59", false],
    ["21:00", true],
    ["23:59", true],
    ["00:00", true],
    ["07:59", true],
    ["08:00", false],
  ])("at %s across midnight: %s", (time, quiet) => expect(isQuiet(time, NIGHT)).toBe(quiet));

  it("means none when both ends are equal", () =>
    expect(isQuiet("12:00", { from: "08:00", until: "08:00" })).toBe(false));

  it("says how long a message waits", () => {
    expect(waitOf("22:30", NIGHT)).toBe(570);
    expect(waitOf("12:00", NIGHT)).toBe(0);
  });
});
