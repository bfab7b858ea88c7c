import { describe, expect, it } from "vitest";
import { errorsAsCsv, guess, peek } from "./csv";

describe("the look into a CSV file", () => {
  it("reads quotes, line breaks inside cells and the delimiter", () => {
    expect(peek('\uFEFFName;Tel.\r\n"Nadia; Okafor";+44 7700 900123\r\n"two\nlines";1\r\n\r\n')).toEqual({
      header: ["Name", "Tel."],
      rows: [
        ["Nadia; Okafor", "+44 7700 900123"],
        ["two\nlines", "1"],
      ],
    });
  });

  it("guesses what a column means", () => {
    expect(["Phone", "E-mail address", "customer_id", "Consent State", "Shoe size"].map(guess)).toEqual([
      "phone",
      "email",
      "external_id",
      "consent_state",
      "attribute:shoe_size",
    ]);
  });

  it("hands mistakes back without formulas", () => {
    expect(errorsAsCsv([{ line: 2, field: "phone", code: "invalid", message: '=cmd("x")' }])).toBe(
      `line,field,code,message\n"2","phone","invalid","'=cmd(""x"")"`,
    );
  });
});
