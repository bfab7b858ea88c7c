import { describe, expect, it } from "vitest";
import { money } from "./money";
import { clockTime, dayKey, duration, relative } from "./time";

describe("times and money", () => {
  it("shows a moment in the zone of the workspace", () => {
    expect(clockTime("2026-07-01T22:30:00Z", { locale: "en-GB", zone: "Europe/Amsterdam" })).toBe("00:30");
    expect(dayKey("2026-07-01T22:30:00Z", "Europe/Amsterdam")).toBe("2026-07-02");
  });

  it("says how long ago", () => {
    const now = Date.parse("2026-07-01T12:00:00Z");
    expect(relative("2026-07-01T11:57:00Z", now, "en-GB")).toContain("3");
    expect(relative("2026-07-01T12:00:10Z", now, "en-GB")).toBe("now");
  });

  it("names the two largest units of a wait", () => {
    expect(duration(34_200, "en-GB")).toBe("9 hrs 30 mins");
  });

  it("keeps the digits of small prices", () => {
    expect(money(35_200, "EUR", "en-GB")).toBe("€0.0352");
    expect(money(12_500_000, "EUR", "en-GB")).toBe("€12.50");
  });
});
